import { wholeNumber } from '../turn-value.ts';
import type { DeprecatedKey, V1Key } from '../v1-key.ts';
import { impossible, NOTHING, unread } from '../v1-key.ts';

const PROTOCOLS: readonly string[] = ['http', 'https', 'h2c'];
const MAX_WEIGHT = 999_999_999;

/** Tags that are read of each instance. */
export const INSTANCE_KEYS: readonly V1Key[] = [
  { key: 'enable', class: 'exact', to: 'traefik.enable', turn: () => NOTHING },
  { key: 'tags', class: 'exact', to: 'plain tags, for the constraint of Traefik 3', turn: () => NOTHING },
  {
    key: 'protocol',
    class: 'exact',
    to: 'S.loadbalancer.server.scheme',
    turn: (value, to) => {
      if (value === '') return NOTHING;
      return PROTOCOLS.includes(value)
        ? { fields: { [to]: value } }
        : impossible(`is "${value}", none of ${PROTOCOLS.join(', ')}`, 'Write http, https or h2c.');
    },
  },
  {
    key: 'weight',
    class: 'exact',
    to: 'S.loadbalancer.server.weight',
    turn: (value, to) => {
      const weight = wholeNumber(value);
      if (weight === undefined || weight < 0 || weight > MAX_WEIGHT) return unread(value, 'a weight');
      if (weight > 0) return { fields: { [to]: String(weight) } };
      const reason = 'is 0, which Traefik 1 takes for 1 and Traefik 3 for "no traffic"; 1 is written for Traefik 3';
      return { fields: { [to]: '1' }, told: { class: 'rewritten', reason } };
    },
  },
];

export const DEPRECATED_INSTANCE_KEYS: readonly DeprecatedKey[] = [{ key: 'backend.weight', now: 'weight', wins: true }];
