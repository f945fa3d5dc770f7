import { parseIpRange } from '../../shared/ip-range.ts';
import type { Policy } from '../model/policy.ts';
import { goRegExp } from '../routes/go-regexp.ts';
import { parseGoDuration, parseGoInt } from '../routes/go-values.ts';
import { MAX_PRIORITY } from '../routes/judge-http.ts';
import { nearest } from '../spec/did-you-mean.ts';
import { listParts } from '../tags/annotation-tags.ts';
import { CIRCUIT_BREAKER, type ExpressionFunctions, expressionFault, RETRY } from './expression-fault.ts';
import { ruleFaults, tcpRuleFaults } from './rule-faults.ts';
import type { TagFault } from './tag-fault.ts';

/** What values are judged by beside themselves. */
export interface TagSite extends Pick<Policy, 'entryPoints' | 'routes'> {
  /** Those that the Service asks for. */
  readonly nodePorts: readonly number[];
}

type Check = (value: string, site: TagSite) => readonly TagFault[];

const NONE: readonly TagFault[] = [];

/** Words of a list, in any letter case. What Traefik makes of another word decides how bad it is. */
const oneOf =
  (words: readonly string[], otherwise: string, severity: TagFault['severity'] = 'error'): Check =>
  (value) => {
    if (value === '' || words.includes(value.toLowerCase())) return NONE;
    const meant = nearest(value, words);
    const remedy = meant === undefined ? `Write one of ${words.join(', ')}.` : `Did you mean "${meant}"?`;
    return [{ reason: `is "${value}", which Traefik 3 does not know; ${otherwise}`, remedy, severity }];
  };

const port =
  (otherwise: string): Check =>
  (value) =>
    value === '' || (/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) <= 65_535)
      ? NONE
      : [{ reason: `is "${value}", which is no port; ${otherwise}`, remedy: 'Write a number from 1 to 65535.' }];

/** In place of the port that is registered. */
const serverPort: Check = (value, { nodePorts }) => {
  const faults = port('no backend answers')(value, { nodePorts, entryPoints: {} });
  if (faults.length > 0 || value === '' || nodePorts.includes(Number(value))) return faults;
  const reason = `is ${value}: Traefik 3 asks this port of the nodes, in place of the NodePort`;
  return [{ reason, remedy: 'Remove the tag: each backend is registered with its NodePort.', severity: 'warning' }];
};

/** A whole number from `least`; what is no number is told by its type. */
const atLeast =
  (least: number, otherwise: string, severity: TagFault['severity'] = 'error'): Check =>
  (value) => {
    const number = parseGoInt(value);
    if (number === undefined || number >= least) return NONE;
    return [{ reason: `is ${value}; ${otherwise}`, remedy: `Write a number from ${least}.`, severity }];
  };

const duration =
  (isGood: (nanoseconds: bigint) => boolean, otherwise: string, severity: TagFault['severity'] = 'error'): Check =>
  (value) => {
    const read = parseGoDuration(value);
    if (read === undefined || isGood(read)) return NONE;
    return [{ reason: `is ${value}; ${otherwise}`, remedy: 'Write a duration above 0, such as 10s.', severity }];
  };

const regexp: Check = (value) => {
  const read = goRegExp(value.trim());
  if (read.kind !== 'invalid') return NONE;
  const reason = `is no regular expression: ${read.reason.replace(/^error parsing regexp: /, '')}`;
  return [{ reason, remedy: 'Correct the expression; Traefik reads the syntax of RE2, without looking around and back references.' }];
};

/** The first item of a comma list that does not fit, at its place. */
const items =
  (check: Check): Check =>
  (value, site) => {
    let offset = 0;
    for (const part of value.split(',')) {
      const [fault] = part.trim() === '' ? NONE : check(part.trim(), site);
      if (fault !== undefined) return [{ ...fault, offset: offset + part.length - part.trimStart().length }];
      offset += part.length + 1;
    }
    return NONE;
  };

const range: Check = (value) =>
  parseIpRange(value) === undefined
    ? [{ reason: `holds "${value}", which is no address range`, remedy: 'Write addresses or ranges such as 10.0.0.0/8.' }]
    : NONE;

const status: Check = (value) => {
  const codes = value.split('-');
  if (codes.length <= 2 && codes.every((code) => /^[1-5]\d\d$/.test(code))) return NONE;
  const severity = codes.every((code) => /^[+-]?\d+$/.test(code)) ? 'warning' : 'error';
  return [{ reason: `holds "${value}", which is no status`, remedy: 'Write statuses such as 500-599,429.', severity }];
};

/** Values are not told: they hold hashes of passwords. */
const users =
  (parts: number, form: string): Check =>
  (value) =>
    listParts(value).every((user) => user.split(':').length === parts)
      ? NONE
      : [{ reason: `holds something that is not ${form}`, remedy: `Write each user as ${form}, separated by commas.` }];

const url: Check = (value) =>
  /^https?:\/\/[^\s/]+/i.test(value)
    ? NONE
    : [
        {
          reason: `is "${value}", which is no URL; every request is answered with 500`,
          remedy: 'Write a URL such as http://auth:80/check.',
        },
      ];

const expression =
  (functions: ExpressionFunctions, example: string): Check =>
  (value) => {
    const fault = expressionFault(value, functions, example);
    return fault === undefined ? NONE : [fault];
  };

const priority: Check = (value) => {
  const number = parseGoInt(value);
  if (number === undefined || number <= MAX_PRIORITY) return NONE;
  return [{ reason: `is ${value}, more than Traefik 3 takes`, remedy: `Write a number up to ${MAX_PRIORITY}.` }];
};

const stripPrefix: Check = (value) =>
  value.startsWith('/')
    ? NONE
    : [{ reason: `holds "${value}", with which no path begins`, remedy: `Write "/${value}".`, severity: 'warning' }];

/** By `traefik.known.entryPoints` where it is set; else by what entry points of Traefik 1 are mapped to, which need not be all. */
const entryPoint: Check = (value, { entryPoints, routes }) => {
  const told = routes?.entryPoints?.map(({ name }) => name);
  const known = told ?? [...new Set(Object.values(entryPoints).map(({ name }) => name))];
  if (known.includes(value)) return NONE;
  const meant = nearest(value, known);
  const hint = meant === undefined ? undefined : `Did you mean "${meant}"?`;
  if (told !== undefined) {
    return [{ reason: `names the entry point "${value}", which Traefik does not have`, remedy: hint ?? `Known are ${known.join(', ')}.` }];
  }
  return [
    {
      reason: `names the entry point "${value}", of which the configuration says nothing`,
      remedy: hint ?? 'Check its name; the option traefik.known.entryPoints tells which there are.',
      severity: hint === undefined ? 'note' : 'warning',
    },
  ];
};

const BALANCER = 'http.services.*.loadbalancer';
const MIDDLEWARE = 'http.middlewares.*';
const UNCHECKED = 'no check of it succeeds, and no backend gets requests';
const DEFAULT_TAKEN = 'Traefik 3 takes its default';

/** What Traefik 3 does with values of these tags was tried on 3.6.12. NAMES are `*`. */
const CHECKS: Readonly<Record<string, Check>> = {
  'http.routers.*.entrypoints': items(entryPoint),
  'http.routers.*.priority': priority,
  'http.routers.*.rulesyntax': oneOf(['v2', 'v3'], 'it takes v3', 'warning'),
  'tcp.routers.*.rule': tcpRuleFaults,
  'tcp.routers.*.entrypoints': items(entryPoint),
  'tcp.routers.*.priority': priority,
  [`${BALANCER}.strategy`]: oneOf(['wrr', 'p2c', 'hrw', 'leasttime'], 'it drops the Traefik service'),
  [`${BALANCER}.server.port`]: serverPort,
  [`${BALANCER}.server.scheme`]: oneOf(['http', 'https', 'h2c'], 'every request is answered with 500'),
  [`${BALANCER}.server.weight`]: atLeast(1, 'no backend gets requests: every one is answered with 503', 'warning'),
  [`${BALANCER}.sticky.cookie.samesite`]: oneOf(['none', 'lax', 'strict'], 'it leaves it out', 'warning'),
  [`${BALANCER}.healthcheck.port`]: port(UNCHECKED),
  [`${BALANCER}.healthcheck.scheme`]: oneOf(['http', 'https', 'h2c'], UNCHECKED),
  [`${BALANCER}.healthcheck.mode`]: oneOf(['http', 'grpc'], 'it takes http', 'warning'),
  [`${BALANCER}.healthcheck.interval`]: duration((read) => read > 0n, DEFAULT_TAKEN, 'warning'),
  [`${BALANCER}.healthcheck.timeout`]: duration((read) => read > 0n, DEFAULT_TAKEN, 'warning'),
  [`${MIDDLEWARE}.redirectregex.regex`]: regexp,
  [`${MIDDLEWARE}.replacepathregex.regex`]: regexp,
  [`${MIDDLEWARE}.stripprefixregex.regex`]: items(regexp),
  [`${MIDDLEWARE}.forwardauth.authresponseheadersregex`]: regexp,
  [`${MIDDLEWARE}.forwardauth.address`]: url,
  [`${MIDDLEWARE}.headers.accesscontrolalloworiginlistregex`]: items(regexp),
  [`${MIDDLEWARE}.redirectscheme.scheme`]: oneOf(['http', 'https'], 'clients are sent to a URL that they cannot follow', 'warning'),
  [`${MIDDLEWARE}.redirectscheme.port`]: port('clients get no redirection'),
  [`${MIDDLEWARE}.stripprefix.prefixes`]: items(stripPrefix),
  [`${MIDDLEWARE}.circuitbreaker.expression`]: expression(CIRCUIT_BREAKER, 'NetworkErrorRatio() > 0.5'),
  [`${MIDDLEWARE}.buffering.retryexpression`]: expression(RETRY, 'IsNetworkError() && Attempts() < 2'),
  [`${MIDDLEWARE}.inflightreq.amount`]: atLeast(1, 'every request is answered with 429'),
  [`${MIDDLEWARE}.ratelimit.period`]: duration((read) => read >= 0n, 'Traefik 3 drops the middleware'),
  [`${MIDDLEWARE}.retry.attempts`]: atLeast(1, 'Traefik 3 drops the middleware'),
  [`${MIDDLEWARE}.errors.status`]: items(status),
  [`${MIDDLEWARE}.ipallowlist.sourcerange`]: items(range),
  [`${MIDDLEWARE}.ipwhitelist.sourcerange`]: items(range),
  'tcp.middlewares.*.ipallowlist.sourcerange': items(range),
  [`${MIDDLEWARE}.basicauth.users`]: users(2, 'user:hash'),
  [`${MIDDLEWARE}.digestauth.users`]: users(3, 'user:realm:hash'),
};

const RULE = 'http.routers.*.rule';

/**
 * What is wrong with the value of a tag of Traefik 3, of the type that it should have. `isOfV2` tells whether a rule is in the syntax of Traefik 2, which is not
 * read here.
 */
export function valueFaults(key: string, value: string, { site, isOfV2 }: { site: TagSite; isOfV2: boolean }): readonly TagFault[] {
  const [, protocol = '', kind = '', , ...field] = key.toLowerCase().split('.');
  const place = [protocol, kind, '*', ...field].join('.');
  if (place === RULE) return isOfV2 ? NONE : ruleFaults(value);
  return (Object.hasOwn(CHECKS, place) ? CHECKS[place] : undefined)?.(value, site) ?? NONE;
}
