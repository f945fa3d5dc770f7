/** Where traces are sent. */
export interface TracingTarget {
  /** The whole URL that takes OTLP over HTTP. */
  readonly url: string;
  /** Header names and values, beside those of OTEL_EXPORTER_OTLP_HEADERS. They are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM certificates of the authorities that count; undefined: those of Node. */
  readonly ca: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The path that the OpenTelemetry specification adds to an endpoint that serves all signals. */
const TRACES_PATH = 'v1/traces';

/**
 * The URL that traces go to: the configured endpoint, else what OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (taken as it is) or
 * OTEL_EXPORTER_OTLP_ENDPOINT says; undefined when none does. OTEL_SDK_DISABLED and OTEL_TRACES_EXPORTER=none switch off what the environment has
 * switched on. Throws nothing: what is no http or https URL in the environment counts as not set.
 */
export function tracesUrl(endpoint: string | undefined, env: Environment): string | undefined {
  if (endpoint !== undefined) return withPath(endpoint);
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return undefined;
  const whole = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? '';
  if (whole !== '') return isHttp(whole) ? whole : undefined;
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  return isHttp(base) ? withPath(base) : undefined;
}

/** Values of headers that the environment gives the exporter: they are secrets as well. */
export function headerSecretsOf(env: Environment): readonly string[] {
  return ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'].flatMap((name) =>
    (env[name] ?? '').split(',').flatMap((pair) => headerSecrets(decoded(pair.slice(pair.indexOf('=') + 1)))),
  );
}

/** What must not be shown of the value of a header: all of it, and what follows a scheme such as `Bearer`. */
export function headerSecrets(value: string): readonly string[] {
  const [, credentials = ''] = /^\S+\s+(.+)$/.exec(value.trim()) ?? [];
  return [value.trim(), credentials].filter((text) => text !== '');
}

/** The path of an endpoint is kept: many collectors stand behind one. */
function withPath(endpoint: string): string {
  const url = new URL(endpoint);
  if (!url.pathname.endsWith(`/${TRACES_PATH}`)) url.pathname = `${url.pathname.replace(/\/$/, '')}/${TRACES_PATH}`;
  return url.href;
}

const isHttp = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
