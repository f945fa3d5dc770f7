import { ALLOW_LIST_KEYS, DEPRECATED_ALLOW_LIST_KEYS } from './keys/allow-list.ts';
import { AUTH_KEYS, DEPRECATED_AUTH_KEYS } from './keys/auth.ts';
import { BALANCER_KEYS, DEPRECATED_BALANCER_KEYS } from './keys/balancer.ts';
import { ERROR_KEYS } from './keys/errors.ts';
import { FRONTEND_KEYS } from './keys/frontend.ts';
import { CLIENT_CERTIFICATE_KEYS, HEADER_KEYS } from './keys/headers.ts';
import { HEALTH_CHECK_KEYS } from './keys/health-check.ts';
import { DEPRECATED_INSTANCE_KEYS, INSTANCE_KEYS } from './keys/instance.ts';
import { LIMIT_KEYS } from './keys/limits.ts';
import { REDIRECT_KEYS } from './keys/redirect.ts';
import type { DeprecatedKey, V1Key } from './v1-key.ts';

/** Every tag that Traefik 1 reads of a Consul service (reference: traefik.md 1.5), by topic. */
export const V1_KEYS = {
  'The instance': INSTANCE_KEYS,
  'The frontend': FRONTEND_KEYS,
  'Load balancing': BALANCER_KEYS,
  'Health check': HEALTH_CHECK_KEYS,
  Limits: LIMIT_KEYS,
  Authentication: AUTH_KEYS,
  'Allowed addresses': ALLOW_LIST_KEYS,
  Redirections: REDIRECT_KEYS,
  'Error pages': ERROR_KEYS,
  Headers: HEADER_KEYS,
  'Client certificates': CLIENT_CERTIFICATE_KEYS,
} as const satisfies Readonly<Record<string, readonly V1Key[]>>;

export const DEPRECATED_KEYS: readonly DeprecatedKey[] = [
  ...DEPRECATED_INSTANCE_KEYS,
  ...DEPRECATED_BALANCER_KEYS,
  { key: 'backend.circuitbreaker', now: 'backend.circuitbreaker.expression' },
  ...DEPRECATED_AUTH_KEYS,
  ...DEPRECATED_ALLOW_LIST_KEYS,
];

/** A row with what stands for its NAME. */
export interface FoundKey {
  readonly row: V1Key;
  readonly name: string;
}

const ROWS: readonly V1Key[] = Object.values(V1_KEYS).flat();
const PLAIN = new Map(ROWS.filter(({ key }) => !key.includes('NAME')).map((row) => [row.key, row]));
const NAMED = ROWS.filter(({ key }) => key.includes('NAME')).map((row) => {
  const [before = '', after = ''] = row.key.split('NAME');
  return { row, before, after };
});

/** Keys that Traefik 1 reads in any letter case. */
const ANY_CASE: ReadonlySet<string> = new Set(['enable', 'tags', 'protocol', 'weight', 'backend.weight']);

/**
 * Options that keep someone or something out, in any letter case. One that looks so and is unknown is not taken for a slip of no
 * weight: a Traefik 3 route without it might be a hole.
 */
const GUARDS = /^frontend\.(?:auth|whitelist|redirect|headers|passtlsclientcert|ratelimit)/;

export const looksLikeGuard = (option: string): boolean => GUARDS.test(option.toLowerCase());

/** An option without `traefik.`, those of any letter case in lower case. */
export const optionName = (key: string): string => {
  const name = key.slice('traefik.'.length);
  return ANY_CASE.has(name.toLowerCase()) ? name.toLowerCase() : name;
};

/** The row of an option; its name holds no dot and no space. */
export function findKey(option: string): FoundKey | undefined {
  const row = PLAIN.get(option);
  if (row !== undefined) return { row, name: '' };
  for (const { row: named, before, after } of NAMED) {
    if (!option.startsWith(before) || !option.endsWith(after)) continue;
    const name = option.slice(before.length, option.length - after.length);
    if (/^[^. ]+$/.test(name)) return { row: named, name };
  }
  return undefined;
}

/** The spelling of a known key that differs in letter case only. */
export const rightSpelling = (option: string): string | undefined => {
  const wanted = option.toLowerCase();
  return [...PLAIN.keys(), ...DEPRECATED_KEYS.map(({ key }) => key)].find((key) => key.toLowerCase() === wanted);
};
