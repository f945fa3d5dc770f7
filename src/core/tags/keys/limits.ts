import { lenientDurationMs, number, text, wholeNumber } from '../turn-value.ts';
import type { Fields, Turned, V1Key } from '../v1-key.ts';
import { idle, impossible, NOTHING, placed, unread } from '../v1-key.ts';

const AMOUNT = 'backend.maxconn.amount';
const MAXCONN_BY = 'backend.maxconn.extractorfunc';
const RATE_BY = 'frontend.rateLimit.extractorFunc';
const RATE_SET = 'frontend.rateLimit.rateSet';
const BUFFERING = 'maxRequestBodyBytes memRequestBodyBytes maxResponseBodyBytes memResponseBodyBytes'.split(' ');

/** What tells one client from another: an extractor of Traefik 1 in the words of Traefik 3; undefined for one that neither knows. */
function sourceCriterion(extractor: string, middleware: string): Fields | undefined {
  const header = /^request\.header\.(.+)$/.exec(extractor)?.[1];
  if (header !== undefined) return { [`${middleware}.sourcecriterion.requestheadername`]: header };
  if (extractor === 'request.host') return { [`${middleware}.sourcecriterion.requesthost`]: 'true' };
  return extractor === 'client.ip' ? { [`${middleware}.sourcecriterion.ipstrategy.depth`]: '0' } : undefined;
}

const unknownExtractor = (value: string): Turned =>
  impossible(`is "${value}", none of client.ip, request.host and request.header.NAME`, 'Write one of these.');

/** Limits that protect the backends. */
export const LIMIT_KEYS: readonly V1Key[] = [
  { key: 'backend.circuitbreaker.expression', class: 'exact', to: 'M.circuitbreaker.expression', turn: text },
  {
    key: AMOUNT,
    class: 'exact',
    to: 'M.inflightreq.amount',
    remark: 'is counted for each frontend apart in Traefik 3, where Traefik 1 counts them together',
    turn: (value, to, { options, site }) => {
      const amount = wholeNumber(value);
      if (amount === undefined) return unread(value, 'a whole number');
      const criterion = sourceCriterion(options.get(MAXCONN_BY) || 'request.host', 'M.inflightreq');
      const fields = { [to]: String(amount), ...criterion };
      if (!site.severalFrontends) return { fields };
      return {
        fields,
        told: { class: 'approximate', reason: 'is counted for each frontend apart in Traefik 3; Traefik 1 counts them together' },
      };
    },
  },
  {
    key: MAXCONN_BY,
    class: 'exact',
    to: 'M.inflightreq.sourcecriterion',
    turn: (value, _, { options }) => {
      if (wholeNumber(options.get(AMOUNT) ?? '') === undefined) return idle(`without traefik.${AMOUNT}`);
      return value === '' ? NOTHING : (criterionOf(value, 'M.inflightreq') ?? unknownExtractor(value));
    },
  },
  ...BUFFERING.map(
    (name): V1Key => ({ key: `backend.buffering.${name}`, class: 'exact', to: `M.buffering.${name.toLowerCase()}`, turn: number }),
  ),
  { key: 'backend.buffering.retryExpression', class: 'exact', to: 'M.buffering.retryexpression', turn: text },
  {
    key: RATE_BY,
    class: 'exact',
    to: 'M-NAME.ratelimit.sourcecriterion',
    turn: (value, _, { options }) => {
      if (![...options.keys()].some((key) => key.startsWith(`${RATE_SET}.`))) return idle(`without a traefik.${RATE_SET}`);
      return value === '' || criterionOf(value, 'M.ratelimit') !== undefined ? NOTHING : unknownExtractor(value);
    },
  },
  {
    key: `${RATE_SET}.NAME.average`,
    class: 'approximate',
    to: 'M-NAME.ratelimit.average',
    remark: 'limits by another algorithm in Traefik 3, each rate set on its own',
    turn: ofRateSet((value, to, context) => {
      const average = wholeNumber(value);
      if (average === undefined || average <= 0)
        return impossible(`is ${JSON.stringify(value)}, which is no rate`, 'Write a number above 0.');
      if (context.options.get(`${RATE_SET}.${context.name}.period`) === undefined) {
        return impossible(
          'has no period beside it, and Traefik 1 drops such a frontend',
          `Write traefik.${RATE_SET}.${context.name}.period.`,
        );
      }
      const middleware = `M-${context.name}.ratelimit`;
      return { fields: { [placed(to, context)]: String(average), ...sourceCriterion(context.options.get(RATE_BY) ?? '', middleware) } };
    }),
  },
  {
    key: `${RATE_SET}.NAME.period`,
    class: 'exact',
    to: 'M-NAME.ratelimit.period',
    turn: ofRateSet((value, to, context) => {
      const ms = lenientDurationMs(value);
      return ms === undefined || ms <= 0
        ? impossible(`is ${JSON.stringify(value)}, which is no duration above 0`, 'Write a number of seconds, or a duration such as 1m.')
        : text(value, to, context);
    }),
  },
  {
    key: `${RATE_SET}.NAME.burst`,
    class: 'exact',
    to: 'M-NAME.ratelimit.burst',
    turn: ofRateSet((value, to, context) => {
      const burst = wholeNumber(value);
      if (burst === undefined) return unread(value, 'a whole number');
      if (burst > 0) return { fields: { [placed(to, context)]: String(burst) } };
      const told = { class: 'rewritten', reason: 'is not above 0, which Traefik 1 refuses; 1 is written for Traefik 3' } as const;
      return { fields: { [placed(to, context)]: '1' }, told };
    }),
  },
];

/** A setting of a rate set, which Traefik 1 reads only when it is told what to count by, and when it has an average. */
function ofRateSet(turn: V1Key['turn']): V1Key['turn'] {
  return (value, to, context) => {
    if ((context.options.get(RATE_BY) ?? '') === '') return idle(`without traefik.${RATE_BY}`);
    const average = `${RATE_SET}.${context.name}.average`;
    return context.options.has(average) ? turn(value, to, context) : impossible('has no average beside it', `Write traefik.${average}.`);
  };
}

function criterionOf(extractor: string, middleware: string): Turned | undefined {
  const fields = sourceCriterion(extractor, middleware);
  return fields === undefined ? undefined : { fields };
}
