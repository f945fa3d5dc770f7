import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorText } from '../shared/errors.ts';
import { sendProblem } from './problem-document.ts';
import { PASSED_ON, type StandbySignatures, signedRequest } from './standby-signatures.ts';

/** Less than a client waits for the whole answer. */
const LEADER_MS = 8_000;
/** Our own answers are far shorter. */
const LONGEST_ANSWER = 1024 * 1024;

export interface PassOnOptions {
  /** Where another replica leads; absent or undefined while we lead, or nobody can tell who does: then the request is answered here. */
  readonly leader?: (() => string | undefined) | undefined;
  /** Prove to the leader that the request comes from a replica. Absent: there is no secret, and none is needed. */
  readonly signatures: StandbySignatures | undefined;
  /** Names of the headers that go along. */
  readonly headers?: readonly string[];
}

/**
 * A hook that hands a request to change something, which has proved itself here, on to the replica that leads, and gives that one's
 * answer. No secret goes along, but a signature: where the leader is says Consul, and others may write there.
 */
export function passOn(options: PassOnOptions) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const url = options.leader?.();
    if (url === undefined) return undefined;
    if (request.headers[PASSED_ON] !== undefined) return unanswered(reply, `The leader at ${url} is not this replica.`);
    try {
      const { status, type, text } = await askLeader(url, request, options);
      // A string, as it came.
      return await reply
        .code(status)
        .type(type)
        .serializer((body: string) => body)
        .send(text);
    } catch (error) {
      return unanswered(reply, `The leader at ${url} does not answer: ${errorText(error)}.`);
    }
  };
}

const unanswered = (reply: FastifyReply, detail: string): FastifyReply =>
  sendProblem(reply, 503, {
    detail,
    code: 'DAEMON_UNREACHABLE',
    remedy: 'Try again: another replica takes over within 25 s. If it stays so, set http.advertise to an address that replicas can reach.',
  });

interface LeaderAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Sends a request on to the replica that leads. Throws when it does not answer in time, or not with JSON. */
export async function askLeader(
  url: string,
  request: FastifyRequest,
  { signatures, headers: kept = [], timeoutMs = LEADER_MS }: Omit<PassOnOptions, 'leader'> & { readonly timeoutMs?: number },
): Promise<LeaderAnswer> {
  const { headers } = request;
  const signed = signedRequest(request);
  const { method, path, body } = signed;
  // Not resolved against it: a path that begins with two slashes would name another host.
  const answer = await fetch(`${new URL(url).origin}${path}`, {
    method,
    headers: {
      // Also without a secret, so that it is never passed on again.
      [PASSED_ON]: signatures?.sign(signed) ?? 'yes',
      ...Object.fromEntries(kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]]))),
      ...(body.length === 0 ? {} : { 'content-type': headers['content-type'] ?? 'application/json' }),
    },
    ...(body.length === 0 ? {} : { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const type = answer.headers.get('content-type') ?? 'application/json';
  // A browser would take anything else for a page of ours.
  if (!/^application\/(problem\+)?json\b/.test(type)) throw new Error(`it answers with ${type}`);
  return { status: answer.status, type, text: await readText(answer) };
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (body === null) return '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error('its answer does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
