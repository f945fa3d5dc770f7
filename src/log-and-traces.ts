import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/read-secrets.ts';
import { readSecrets } from './config/read-secrets.ts';
import type { DaemonIo } from './parts.ts';
import { AppError } from './shared/errors.ts';
import { problem } from './shared/problem.ts';
import { createRedactor, type Redactor } from './shared/redact.ts';
import { VERSION } from './shared/version.ts';
import { createLogger } from './telemetry/create-logger.ts';
import type { Metrics } from './telemetry/create-metrics.ts';
import { LogLevelControl } from './telemetry/log-level-control.ts';
import type { StoppableTracer } from './telemetry/otlp-tracer.ts';
import { prettyLines } from './telemetry/pretty-lines.ts';
import { startTracing } from './telemetry/start-tracing.ts';
import { headerSecrets, headerSecretsOf, type TracingTarget, tracesUrl } from './telemetry/tracing-target.ts';

/** The log of one daemon, and what it must not show. */
export interface DaemonLog {
  readonly log: ReturnType<typeof createLogger>;
  readonly level: LogLevelControl;
  readonly secrets: Secrets;
  readonly redact: Redactor;
}

/** Reads the secrets, and opens a log that shows none of them. Throws AppError when a secret file cannot be read. */
export async function openLog(config: Config, { env, stdout }: DaemonIo): Promise<DaemonLog> {
  const read = readSecrets(config, (path) => readFileSync(path, 'utf8'));
  if (read.kind === 'invalid') throw new AppError(read.problems[0] ?? problem('CONFIG_INVALID', 'a secret file cannot be read'));
  const { secrets } = read;
  const redact = createRedactor([...secretTexts(secrets), ...headerSecretsOf(env)]);
  const destination = config.log.format === 'pretty' ? await prettyLines(stdout) : stdout;
  const log = createLogger({ level: config.log.level, destination, redact });
  return { log, level: new LogLevelControl(log, config.log.level), secrets, redact };
}

function secretTexts(secrets: Secrets): readonly string[] {
  const { gitPassword, consulToken, httpToken, hookSecret, traefikPasswords, tracingHeaders, notifySecrets } = secrets;
  const headers = Object.values(tracingHeaders).flatMap(headerSecrets);
  const texts = [gitPassword, consulToken, httpToken, hookSecret, ...traefikPasswords, ...headers, ...notifySecrets];
  return texts.filter((text) => text !== undefined);
}

/** Starts to send traces where configuration or environment say so; otherwise undefined, and nothing of it is loaded. */
export async function openTracer(
  config: Config,
  { log, redact, secrets }: DaemonLog,
  { env, count }: Pick<DaemonIo, 'env'> & { readonly count: Metrics['countSpans'] },
): Promise<StoppableTracer | undefined> {
  const url = tracesUrl(config.tracing.endpoint, env);
  if (url === undefined) return undefined;
  const target: TracingTarget = { url, headers: secrets.tracingHeaders, ca: readCa(config.tracing.caFile) };
  const resource = {
    'service.name': 'poolkeeper',
    'service.version': VERSION,
    'service.instance.id': hostname(),
    'poolkeeper.owner': config.owner,
    'poolkeeper.cluster': config.cluster,
  };
  log.info({ event: 'tracing' }, `traces are sent to ${new URL(url).origin}`);
  return startTracing({ target, resource, redact, log, count });
}

function readCa(path: string | undefined): string | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError(problem('CONFIG_UNREADABLE', `tracing.caFile: the file ${path ?? ''} cannot be read`), { cause: error });
  }
}
