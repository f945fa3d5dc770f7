import { goDurationMs, headerMap, numberAbove0, text } from '../turn-value.ts';
import type { V1Key } from '../v1-key.ts';
import { idle, impossible, NOTHING } from '../v1-key.ts';

const PATH = 'backend.healthcheck.path';
const LB = 'S.loadbalancer.healthcheck';

/** A setting of the check, which Traefik 1 makes only when it has a path. */
const ofCheck =
  (turn: V1Key['turn']): V1Key['turn'] =>
  (value, to, context) =>
    (context.options.get(PATH) ?? '') === '' ? idle(`without traefik.${PATH}`) : turn(value, to, context);

/** Traefik's own check of each backend. */
export const HEALTH_CHECK_KEYS: readonly V1Key[] = [
  {
    key: PATH,
    class: 'exact',
    to: `${LB}.path`,
    turn: (value, to, context) =>
      /^[a-z][a-z0-9+.-]*:|^\/\//i.test(value)
        ? impossible('is not a path, and Traefik 3 takes nothing else', 'Write a path that begins with "/".')
        : text(value, to, context),
  },
  { key: 'backend.healthcheck.scheme', class: 'exact', to: `${LB}.scheme`, turn: ofCheck(text) },
  { key: 'backend.healthcheck.port', class: 'exact', to: `${LB}.port`, turn: ofCheck(numberAbove0) },
  {
    key: 'backend.healthcheck.interval',
    class: 'exact',
    to: `${LB}.interval`,
    remark: 'without a unit it does not count: 30s is written',
    turn: ofCheck((value, to, context) => {
      if (value === '') return NOTHING;
      if ((goDurationMs(value) ?? 0) > 0) return text(value, to, context);
      const reason = `is ${JSON.stringify(value)}, no duration with a unit: Traefik 1 checks every 30 s, and so Traefik 3 is told`;
      return { fields: { [to]: '30s' }, told: { class: 'rewritten', reason } };
    }),
  },
  { key: 'backend.healthcheck.hostname', class: 'exact', to: `${LB}.hostname`, turn: ofCheck(text) },
  { key: 'backend.healthcheck.headers', class: 'exact', to: `${LB}.headers`, turn: ofCheck(headerMap) },
];
