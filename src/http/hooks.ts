import type { FastifyInstance } from 'fastify';
import { deliveryOf, HOOK_SENDERS, type HookSender } from './hook-senders.ts';
import type { HttpServerOptions } from './http-server-options.ts';
import { passOn } from './pass-on.ts';
import { sendProblem } from './problem-document.ts';
import { RateLimiter } from './rate-limiter.ts';

/** A push of 2,000 commits is told in less; what claims to be longer is refused before it is read. */
const LONGEST_BODY = 5 * 1024 * 1024;
const PER_MINUTE = 60;
/** Deliveries that are remembered. Forgetting one costs a look at the repository. */
const MOST_DELIVERIES = 1_000;

type Source = Pick<HttpServerOptions, 'hook' | 'leader'>;

/**
 * Adds `POST /hooks/<sender>`: who proves to know the secret wakes the poll, and nothing else, so nothing of the body is believed. A
 * delivery that came before is taken and not heeded. On a standby it is passed on to the replica that leads.
 */
export function addHooks(app: FastifyInstance, { hook, leader }: Source): void {
  const limiter = new RateLimiter({ perMinute: PER_MINUTE, now: () => performance.now() });
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
    scope.addHook('onRequest', async (request, reply) => {
      const waitSeconds = limiter.take(request.ip);
      if (waitSeconds === 0) return undefined;
      reply.header('retry-after', waitSeconds);
      return sendProblem(reply, 429, { detail: `Too many webhooks from ${request.ip}.`, remedy: `Try again in ${waitSeconds} seconds.` });
    });
    for (const [name, sender] of Object.entries<HookSender>(HOOK_SENDERS)) {
      const proofs = [...sender.proofHeaders, ...sender.deliveryHeaders];
      const pass = passOn(leader ?? (() => undefined), proofs);
      scope.post(`/hooks/${name}`, { bodyLimit: LONGEST_BODY }, async (request, reply) => {
        if (hook === undefined) {
          return sendProblem(reply, 404, {
            detail: 'Webhooks are switched off.',
            remedy: 'Set hooks.secretFile, and the same secret at the sender.',
          });
        }
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        if (!sender.isGenuine(request.headers, body, hook.secret)) {
          return sendProblem(reply, 401, {
            detail: `The webhook does not prove that it comes from ${name}: ${sender.proofHeaders.join(' or ')} is missing or wrong.`,
            code: 'UNAUTHORIZED',
            remedy: 'Set the secret of hooks.secretFile at the sender, and the content type JSON.',
          });
        }
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
