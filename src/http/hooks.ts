import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BodyPlaces } from './body-places.ts';
import { deliveryOf, HOOK_SENDERS, type HookSender } from './hook-senders.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { passOn } from './pass-on.ts';
import { sendProblem } from './problem-document.ts';
import { RateLimiter } from './rate-limiter.ts';
import { PASSED_ON, StandbySignatures, signedRequest } from './standby-signatures.ts';

/** A push of 2,000 commits is told in less; what claims to be longer is refused before it is read. */
const LONGEST_BODY = 5 * 1024 * 1024;
/** Bodies that are read at once: what claims to prove itself is read before that is known. */
const AT_ONCE = { most: 32, mostOfOne: 16 };
/** Of one address, which may be that of a proxy: only what proves nothing counts, so that nobody keeps out who knows the secret. */
const UNPROVEN_PER_MINUTE = 60;
/** Of one kind of sender. */
const PROVEN_PER_MINUTE = 600;
/** Deliveries that are remembered. Forgetting one costs a look at the repository. */
const MOST_DELIVERIES = 1_000;

type Source = Pick<HttpServerOptions, 'hook' | 'leader'>;

/**
 * Adds `POST /hooks/<sender>`: who proves to know the secret wakes the poll, and nothing else, so nothing of the body is believed. A
 * delivery that came before is taken and not heeded. A standby passes it on to the replica that leads, signed instead of with its proof.
 */
export function addHooks(app: FastifyInstance, { hook, leader }: Source): void {
  const now = (): number => performance.now();
  const unproven = new RateLimiter({ perMinute: UNPROVEN_PER_MINUTE, now });
  const proven = new RateLimiter({ perMinute: PROVEN_PER_MINUTE, now });
  const places = new BodyPlaces(AT_ONCE);
  const signatures = hook === undefined ? undefined : new StandbySignatures(hook.secret);
  const delivered = new Set<string>();
  const isNew = (delivery: string): boolean => {
    if (delivered.has(delivery)) return false;
    delivered.add(delivery);
    const [oldest] = delivered;
    if (delivered.size > MOST_DELIVERIES && oldest !== undefined) delivered.delete(oldest);
    return true;
  };

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const [name, sender] of Object.entries<HookSender>(HOOK_SENDERS)) {
      const pass = passOn({ leader, signatures, headers: sender.deliveryHeaders });
      const proofs = [...sender.proofHeaders, PASSED_ON];
      const refuse = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
        tooMany(reply, unproven.take(request.ip), request.ip) ??
        sendProblem(reply, 401, {
          detail: `The webhook does not prove that it comes from ${name}: ${sender.proofHeaders.join(' or ')} is missing or wrong.`,
          code: 'UNAUTHORIZED',
          remedy: 'Set the secret of hooks.secretFile at the sender, and the content type JSON.',
        });
      const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
        if (hook === undefined) {
          return sendProblem(reply, 404, {
            detail: 'Webhooks are switched off.',
            remedy: 'Set hooks.secretFile, and the same secret at the sender.',
          });
        }
        if (proofs.every((header) => request.headers[header] === undefined)) return refuse(request, reply);
        const full = places.take(request.ip);
        if (full !== undefined) return tooMany(reply, 1, full);
        reply.raw.once('close', () => places.giveBack(request.ip));
        return undefined;
      };
      scope.post(`/hooks/${name}`, { bodyLimit: LONGEST_BODY, onRequest }, async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const isPassedOn = signatures?.take(request.headers[PASSED_ON], signedRequest(request)) === true;
        if (hook === undefined || !(isPassedOn || sender.isGenuine(request.headers, body, hook.secret))) return refuse(request, reply);
        const refused = tooMany(reply, proven.take(name), name);
        if (refused !== undefined) return refused;
        await pass(request, reply);
        if (reply.sent) return reply;
        const delivery = deliveryOf(sender, request.headers);
        const heeded = delivery === undefined || isNew(`${name} ${delivery}`);
        if (heeded) hook.wake();
        return reply.code(202).send({ heeded });
      });
    }
  });
}

/** Answers that somebody sends too much; undefined when there is no need to wait. */
function tooMany(reply: FastifyReply, waitSeconds: number, from: string): FastifyReply | undefined {
  if (waitSeconds === 0) return undefined;
  reply.header('retry-after', waitSeconds);
  return sendProblem(reply, 429, { detail: `Too many webhooks from ${from}.`, remedy: `Try again in ${waitSeconds} seconds.` });
}
