import { type Logger, pino, stdSerializers } from 'pino';
import { errorText } from '../shared/errors.ts';
import type { LogLevel } from '../shared/log-levels.ts';
import type { Redactor } from '../shared/redact.ts';

/** Where lines go; `process.stdout` fits. */
export interface LogDestination {
  write(line: string): unknown;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly destination: LogDestination;
  /** Masks the secrets of this process in every text that is logged. */
  readonly redact: Redactor;
}

// Errors of HTTP clients carry their requests with them, and the redactor knows our own secrets only. Without the case and the dashes.
const SECRET_KEYS: ReadonlySet<string> = new Set(
  (
    'authorization proxyauthorization cookie setcookie password passphrase secret clientsecret privatekey apikey xapikey ' +
    'token xconsultoken xgitlabtoken xauthtoken bearertoken accesstoken refreshtoken idtoken'
  ).split(' '),
);
const CENSORED = '[redacted]';
const MOST_LEVELS = 10;

/**
 * A logger that writes one JSON object per line: `level` as a word, `time` in ISO 8601, `msg`. Every text, however deep, goes
 * through the redactor before it is written, and what stands under a name such as `Authorization` or `password` is never shown.
 */
export function createLogger({ level, destination, redact }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { err: (error: unknown) => redactDeep(error instanceof Error ? stdSerializers.err(error) : error, redact) },
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redactFields(fields, redact),
      },
      hooks: {
        logMethod(args, method) {
          method.apply(this, redactArguments(args, redact) as typeof args);
        },
      },
    },
    { write: (line) => void destination.write(line) },
  );
}

/** The arguments of a log call. An error without a message gets one here: pino would take the error's own, unredacted. */
function redactArguments([first, message, ...rest]: readonly unknown[], redact: Redactor): unknown[] {
  const fields = first instanceof Error ? { err: first } : first;
  const err: unknown = typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : undefined;
  const text = message === undefined && err instanceof Error ? err.message : message;
  const texts = [text, ...rest].filter((value) => value !== undefined).map((value) => redactDeep(value, redact));
  return [typeof fields === 'string' ? redact(fields) : fields, ...texts];
}

function redactFields(fields: Record<string, unknown>, redact: Redactor): Record<string, unknown> {
  // The error under `err` is left to its serializer, which runs later.
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, key === 'err' ? value : redactUnder([key, value], redact)]));
}

/** The same plain value with every text in it redacted; an error becomes its text. What lies too deep is left out. */
function redactDeep(value: unknown, redact: Redactor, depth = 0): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return redact(errorText(value));
  if (depth > MOST_LEVELS) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redactDeep(item, redact, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactUnder([key, item], redact, depth + 1)]));
}

/** A value by the name that it stands under. */
function redactUnder([key, value]: readonly [string, unknown], redact: Redactor, depth = 0): unknown {
  const isSecret = SECRET_KEYS.has(key.toLowerCase().replace(/[-_]/g, ''));
  return isSecret && (typeof value === 'string' || typeof value === 'object') ? CENSORED : redactDeep(value, redact, depth);
}
