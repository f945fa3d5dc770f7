import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';
import type { Config } from './config.ts';
import { readHeaders } from './read-headers.ts';

/** The secrets that the configuration names files for. Undefined: none is configured. Never logged, never shown. */
export interface Secrets {
  readonly gitPassword: string | undefined;
  readonly consulToken: string | undefined;
  readonly httpToken: string | undefined;
  readonly hookSecret: string | undefined;
  /** Of the Traefik replicas that have one. */
  readonly traefikPasswords: readonly string[];
  /** Headers of requests that carry traces; empty: none. */
  readonly tracingHeaders: Readonly<Record<string, string>>;
  /** Tokens, keys and URLs of those who are told. */
  readonly notifySecrets: readonly string[];
}

/** The text of a file; throws when it cannot be read. */
export type ReadFile = (path: string) => string;

/** Reads every secret, white space at its ends dropped, or tells which file cannot be read or is empty. */
export function readSecrets(
  config: Pick<Config, 'git' | 'consul' | 'http' | 'hooks' | 'traefik' | 'tracing' | 'notify'>,
  readFile: ReadFile,
): { readonly kind: 'ok'; readonly secrets: Secrets } | { readonly kind: 'invalid'; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const read = (key: string, path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    try {
      const secret = readFile(path).trim();
      if (secret === '')
        problems.push(problem('CONFIG_INVALID', `${key}: the file is empty`, { remedy: 'Write the secret into the file.' }));
      return secret;
    } catch (error) {
      problems.push(problem('CONFIG_UNREADABLE', `${key}: the file cannot be read (${errorCode(error)})`));
      return undefined;
    }
  };
  const readTracingHeaders = (): Secrets['tracingHeaders'] => {
    const headers = readHeaders(read('tracing.headersFile', config.tracing.headersFile) ?? '');
    if (headers === undefined) {
      const remedy = 'Write one header a line, such as "Authorization: Bearer …".';
      problems.push(problem('CONFIG_INVALID', 'tracing.headersFile: expected a name, a colon and a value in every line', { remedy }));
    }
    return headers ?? {};
  };
  const secrets: Secrets = {
    gitPassword: read('git.passwordFile', config.git.passwordFile),
    consulToken: read('consul.tokenFile', config.consul.tokenFile),
    httpToken: read('http.tokenFile', config.http.tokenFile),
    hookSecret: read('hooks.secretFile', config.hooks.secretFile),
    traefikPasswords: (config.traefik.api ?? []).flatMap(({ name, passwordFile }) => {
      const password = read(`traefik.api, replica ${name}, passwordFile`, passwordFile);
      return password === undefined ? [] : [password];
    }),
    tracingHeaders: readTracingHeaders(),
    notifySecrets: readNotifySecrets(config, read),
  };
  return problems.length === 0 ? { kind: 'ok', secrets } : { kind: 'invalid', problems };
}

type ReadSecret = (key: string, path: string | undefined) => string | undefined;

function readNotifySecrets({ notify: { commitStatus, slack, webhook } }: Pick<Config, 'notify'>, read: ReadSecret): readonly string[] {
  const secrets = [
    read('notify.commitStatus.tokenFile', commitStatus.tokenFile),
    read('notify.slack.urlFile', slack.urlFile),
    read('notify.webhook.urlFile', webhook.urlFile),
    read('notify.webhook.secretFile', webhook.secretFile),
  ];
  return secrets.filter((secret) => secret !== undefined);
}

/** `ENOENT` and the like. Not the whole message, which names the path: some write the secret itself where its file belongs. */
export function errorCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
