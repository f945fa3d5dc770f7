import { parseIpRange } from '../../shared/ip-range.ts';
import type { DynamicObject } from './dynamic-types.ts';
import { goRegExp } from './go-regexp.ts';

/** Why Traefik cannot make a middleware of this configuration; undefined when nothing is known against it. Names are not looked at here. */
export function middlewareError(name: string, config: DynamicObject): string | undefined {
  const kinds = Object.keys(config);
  const [kind] = kinds;
  if (kind === undefined) return `invalid middleware "${name}" configuration: invalid middleware type or middleware does not exist`;
  if (kinds.length > 1) {
    return 'cannot create middleware: multi-types middleware not supported, consider declaring two different pieces of middleware instead';
  }
  return CHECKS[kind]?.(config[kind] as DynamicObject);
}

const listOf = (config: DynamicObject, field: string): readonly string[] => (config[field] ?? []) as readonly string[];
const textOf = (config: DynamicObject, field: string): string => String(config[field] ?? '');
const numberOf = (config: DynamicObject, field: string): number => Number(config[field] ?? 0);

const badExpression = (text: string): string | undefined => {
  const read = goRegExp(text);
  return read.kind === 'invalid' ? read.reason : undefined;
};

const addressCheck =
  (what: string) =>
  (config: DynamicObject): string | undefined => {
    const ranges = listOf(config, 'sourceRange');
    if (ranges.length === 0) return `sourceRange is empty, ${what} not created`;
    const bad = ranges.some((range) => parseIpRange(range) === undefined);
    return bad ? `cannot parse CIDRs [${ranges.join(' ')}]` : undefined;
  };

const userCheck =
  (what: string, parts: number) =>
  (config: DynamicObject): string | undefined => {
    const bad = listOf(config, 'users').find((user) => user.split(':').length !== parts);
    return bad === undefined ? undefined : `error parsing ${what}: ${bad}`;
  };

/** Clients are told apart by one thing only. */
function sourceError(prefix: string, config: DynamicObject): string | undefined {
  const source = config['sourceCriterion'] as DynamicObject | undefined;
  const exclusive = (one: string, other: string): string => `${prefix}: ${one} and ${other} are mutually exclusive`;
  if (source === undefined) return undefined;
  const { ipStrategy, requestHeaderName, requestHost } = source;
  if (ipStrategy !== undefined && requestHeaderName !== undefined) return exclusive('iPStrategy', 'RequestHeaderName');
  if (ipStrategy !== undefined && requestHost !== undefined) return exclusive('iPStrategy', 'RequestHost');
  return requestHeaderName !== undefined && requestHost !== undefined ? exclusive('requestHost', 'RequestHeaderName') : undefined;
}

/** The sizes that must not be negative, in the order in which they are looked at. */
const BUFFER_SIZES = ['memRequestBodyBytes', 'maxRequestBodyBytes', 'memResponseBodyBytes', 'maxResponseBodyBytes'] as const;

/** What Traefik checks when it makes a middleware of each kind. Source: traefik pkg/middlewares. */
const CHECKS: Readonly<Record<string, (config: DynamicObject) => string | undefined>> = {
  addPrefix: (config) => (textOf(config, 'prefix') === '' ? 'prefix cannot be empty' : undefined),
  redirectScheme: (config) => (textOf(config, 'scheme') === '' ? 'you must provide a target scheme' : undefined),
  redirectRegex: (config) => badExpression(textOf(config, 'regex')),
  replacePathRegex: (config) => {
    const error = badExpression(textOf(config, 'regex').trim());
    return error === undefined ? undefined : `error compiling regular expression ${textOf(config, 'regex')}: ${error}`;
  },
  stripPrefixRegex: (config) =>
    listOf(config, 'regex')
      .map(badExpression)
      .find((error) => error !== undefined),
  retry: (config) => {
    const attempts = numberOf(config, 'attempts');
    return attempts > 0 ? undefined : `incorrect (or empty) value for attempt (${attempts})`;
  },
  buffering: (config) => {
    const bad = BUFFER_SIZES.find((field) => numberOf(config, field) < 0);
    return bad === undefined ? undefined : `${bad.slice(0, 3)} bytes should be >= 0 got ${numberOf(config, bad)}`;
  },
  inFlightReq: (config) => sourceError('error creating requests limiter', config),
  rateLimit: (config) => {
    const period = textOf(config, 'period');
    return (
      sourceError('getting source extractor', config) ??
      (period.startsWith('-') ? `negative value not valid for period: ${period}` : undefined)
    );
  },
  errors: (config) => {
    const bad = listOf(config, 'status')
      .flatMap((block) => block.split('-').slice(0, 2))
      .find((code) => !/^[+-]?\d+$/.test(code));
    return bad === undefined ? undefined : `strconv.Atoi: parsing ${JSON.stringify(bad)}: invalid syntax`;
  },
  ipAllowList: addressCheck('IPAllowLister'),
  ipWhiteList: addressCheck('IPWhiteLister'),
  basicAuth: userCheck('BasicUser', 2),
  digestAuth: userCheck('DigestUser', 3),
  headers: (config) => (Object.keys(config).length === 0 ? 'headers configuration not valid' : undefined),
  compress: (config) => {
    const isBoth = listOf(config, 'excludedContentTypes').length > 0 && listOf(config, 'includedContentTypes').length > 0;
    if (isBoth) return 'excludedContentTypes and includedContentTypes options are mutually exclusive';
    const unknown = listOf(config, 'encodings').find((encoding) => !['gzip', 'br', 'zstd'].includes(encoding));
    return unknown === undefined ? undefined : `unsupported encoding: ${unknown}`;
  },
};
