import { sha1Hex } from '../../model/hash.ts';
import { parseGoBool } from '../tag-kinds.ts';
import { lenientDurationMs, text } from '../turn-value.ts';
import type { DeprecatedKey, TurnContext, Turned, V1Key } from '../v1-key.ts';
import { idle, impossible, NOTHING, unread } from '../v1-key.ts';

const STICKINESS = 'backend.loadbalancer.stickiness';
const COOKIE = 'S.loadbalancer.sticky.cookie';
const MOVES = 'keeps its cookie, but Traefik 3 writes other values into it: each session moves to another backend once';

const isSticky = ({ options }: TurnContext): boolean => parseGoBool(options.get(STICKINESS)) === true;

/** Traefik 1's name for the cookie of a backend (server/cookie). */
const defaultCookie = (service: string): string => `_${sha1Hex(`_TRAEFIK_BACKEND_backend-${service.toLowerCase()}`).slice(0, 5)}`;

/** A setting of the cookie, which Traefik 1 reads only when there is stickiness. */
const ofCookie =
  (turn: V1Key['turn']): V1Key['turn'] =>
  (value, to, context) =>
    isSticky(context) ? turn(value, to, context) : idle(`without traefik.${STICKINESS}=true`);

const flagOfCookie = ofCookie((value, to) => {
  const read = parseGoBool(value);
  return read === undefined ? unread(value, 'a boolean') : { fields: { [to]: String(read) } };
});

/** How requests are shared out among the backends, and how their answers are passed on. */
export const BALANCER_KEYS: readonly V1Key[] = [
  {
    key: 'backend.loadbalancer.method',
    class: 'exact',
    to: 'S.loadbalancer.strategy',
    remark: 'drr has no equivalent',
    // Every method but drr is wrr to Traefik 1, and wrr is what Traefik 3 does.
    turn: (value, to, { site }) => {
      const method = value.toLowerCase();
      if (method === 'drr') return drr(to, site.drrStrategy);
      if (method === 'wrr' || method === '') return NOTHING;
      return { told: { class: 'unknown', reason: `is ${JSON.stringify(value)}, which Traefik 1 takes for wrr`, remedy: 'Write wrr.' } };
    },
  },
  {
    key: STICKINESS,
    class: 'rewritten',
    to: `${COOKIE}.name`,
    remark: MOVES,
    turn: (value, _, context) => {
      const read = parseGoBool(value);
      if (read === undefined) return unread(value, 'a boolean');
      const name = context.options.get(`${STICKINESS}.cookieName`) || defaultCookie(context.site.service);
      return read ? { fields: { [COOKIE]: 'true', [`${COOKIE}.name`]: name } } : NOTHING;
    },
  },
  { key: `${STICKINESS}.cookieName`, class: 'exact', to: `${COOKIE}.name`, turn: ofCookie(text) },
  { key: `${STICKINESS}.secure`, class: 'exact', to: `${COOKIE}.secure`, turn: flagOfCookie },
  { key: `${STICKINESS}.httpOnly`, class: 'exact', to: `${COOKIE}.httponly`, turn: flagOfCookie },
  {
    key: `${STICKINESS}.sameSite`,
    class: 'exact',
    to: `${COOKIE}.samesite`,
    turn: ofCookie((value, to, context) =>
      /^(none|lax|strict)?$/i.test(value) ? text(value.toLowerCase(), to, context) : unread(value, 'one of none, lax, strict'),
    ),
  },
  {
    key: 'backend.loadbalancer.sticky',
    class: 'rewritten',
    to: `${COOKIE}.name`,
    remark: MOVES,
    turn: (value, _, context) => {
      const read = parseGoBool(value);
      if (read === undefined) return unread(value, 'a boolean');
      if (!read || isSticky(context)) return NOTHING;
      return { fields: { [COOKIE]: 'true', [`${COOKIE}.name`]: '_TRAEFIK_BACKEND' } };
    },
  },
  {
    key: 'backend.responseForwarding.flushInterval',
    class: 'exact',
    to: 'S.loadbalancer.responseforwarding.flushinterval',
    turn: (value, to, context) => (lenientDurationMs(value) === undefined ? unread(value, 'a duration') : text(value, to, context)),
  },
];

export const DEPRECATED_BALANCER_KEYS: readonly DeprecatedKey[] = [{ key: 'backend.loadbalancer', now: 'backend.loadbalancer.method' }];

function drr(to: string, strategy: string | undefined): Turned {
  if (strategy === undefined) {
    return impossible(
      'is drr, which Traefik 3 does not have',
      'Choose wrr, p2c or leasttime for it by the option traefik.drrStrategy, or write wrr.',
    );
  }
  return {
    ...(strategy === 'wrr' ? {} : { fields: { [to]: strategy } }),
    told: { class: 'approximate', reason: `is drr, for which traefik.drrStrategy chooses ${strategy}` },
  };
}
