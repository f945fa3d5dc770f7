import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isSameSecret } from './same-secret.ts';

/** Who sends webhooks: what its deliveries look like. */
export interface HookSender {
  /** Whether a delivery carries the secret, or a signature of this very body that only who knows the secret can make. */
  readonly isGenuine: (headers: IncomingHttpHeaders, body: Buffer, secret: string) => boolean;
  /** The headers that name one delivery; who sends it again sends the same. The first one that is there counts. */
  readonly deliveryHeaders: readonly string[];
  /** The headers that prove it. */
  readonly proofHeaders: readonly string[];
}

/** A signature in hex: the HMAC-SHA256 of the body. */
const signedIn =
  (header: string, prefix: string): HookSender['isGenuine'] =>
  (headers, body, secret) => {
    const given = headers[header];
    if (typeof given !== 'string' || !given.startsWith(prefix)) return false;
    return isSameSecret(given.slice(prefix.length).toLowerCase(), createHmac('sha256', secret).update(body).digest('hex'));
  };

const tokenIn =
  (header: string, prefix = ''): HookSender['isGenuine'] =>
  (headers, _body, secret) => {
    const given = headers[header];
    return typeof given === 'string' && given.startsWith(prefix) && isSameSecret(given.slice(prefix.length), secret);
  };

const HUB = signedIn('x-hub-signature-256', 'sha256=');
const OWN = signedIn('x-poolkeeper-signature', 'sha256=');
const BEARER = tokenIn('authorization', 'Bearer ');

/**
 * The senders, by their name in the path. Sources: GitHub "Validating webhook deliveries", GitLab "Webhooks: custom headers and secret
 * token", Gitea "Webhooks: signature", Bitbucket Cloud and Data Center "Manage webhooks: secure webhooks".
 */
export const HOOK_SENDERS = {
  github: { isGenuine: HUB, deliveryHeaders: ['x-github-delivery'], proofHeaders: ['x-hub-signature-256'] },
  gitlab: {
    isGenuine: tokenIn('x-gitlab-token'),
    deliveryHeaders: ['idempotency-key', 'x-gitlab-event-uuid'],
    proofHeaders: ['x-gitlab-token'],
  },
  gitea: { isGenuine: signedIn('x-gitea-signature', ''), deliveryHeaders: ['x-gitea-delivery'], proofHeaders: ['x-gitea-signature'] },
  bitbucket: {
    isGenuine: signedIn('x-hub-signature', 'sha256='),
    deliveryHeaders: ['x-request-uuid', 'x-request-id'],
    proofHeaders: ['x-hub-signature'],
  },
  generic: {
    isGenuine: (headers, body, secret) => OWN(headers, body, secret) || BEARER(headers, body, secret),
    deliveryHeaders: ['x-poolkeeper-delivery'],
    proofHeaders: ['x-poolkeeper-signature', 'authorization'],
  },
} as const satisfies Readonly<Record<string, HookSender>>;

/** The name of the delivery; undefined when it has none. */
export function deliveryOf({ deliveryHeaders }: HookSender, headers: IncomingHttpHeaders): string | undefined {
  const named = deliveryHeaders.map((header) => headers[header]).find((value) => typeof value === 'string' && value !== '');
  return typeof named === 'string' ? named : undefined;
}
