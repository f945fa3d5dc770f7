import type { GitSettings } from './git-settings.ts';
import { buildSshCommand } from './ssh-command.ts';

/** User name and password for one look at the repository. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Where the keys are whose signatures count. A kind without a place counts not at all. */
export interface Signers {
  readonly allowedSignersFile: string | undefined;
  /** A keyring of ours, in which every key is trusted. */
  readonly gnupgHome: string | undefined;
}

/** What one git process is for. */
export interface GitPurpose {
  /** The repository it works on. */
  readonly gitDir: string;
  /** Given only to processes that talk to the remote. */
  readonly credentials: Credentials | undefined;
  /** Given only to processes that verify signatures. */
  readonly signers?: Signers | undefined;
}

// Everything else of our own environment (tokens, ambient GIT_* settings) is no business of git, ssh and their helpers.
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

/**
 * The whole environment of a git process. Nothing of the machine's Git configuration takes part, no hook runs, nothing asks
 * on a terminal, and only the protocol of the configured URL may be used. Configuration, and with it the password, goes this
 * way and not by `-c`: arguments can be seen by everyone on the machine, an environment only by the same user.
 */
export function gitEnvironment(settings: GitSettings, purpose: GitPurpose): Record<string, string> {
  const { protocol } = settings.remote;
  const result: Record<string, string> = {
    ...inherited(settings.environment),
    LC_ALL: 'C',
    GIT_DIR: purpose.gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LITERAL_PATHSPECS: '1',
    // A server that answers http with a redirect to https is let do so.
    GIT_ALLOW_PROTOCOL: protocol === 'http' ? 'http:https' : protocol,
  };
  if (protocol === 'ssh') result['GIT_SSH_COMMAND'] = settings.sshCommand ?? sshCommandOf(settings);
  if (settings.sslCaFile !== undefined) result['GIT_SSL_CAINFO'] = settings.sslCaFile;
  if (purpose.signers?.gnupgHome !== undefined) result['GNUPGHOME'] = purpose.signers.gnupgHome;
  const entries = [...gitConfiguration(settings, purpose.credentials), ...signerConfiguration(purpose.signers)];
  return { ...result, ...configuration(entries) };
}

function sshCommandOf({ sshKeyFile, knownHostsFile, timeoutMs }: GitSettings): string {
  return buildSshCommand({ keyFile: sshKeyFile, knownHostsFile, timeoutMs });
}

/** Each kind of signature is checked by the keys that we were given for it, or by a program that refuses all. */
function signerConfiguration(signers: Signers | undefined): readonly (readonly [string, string])[] {
  if (signers === undefined) return [];
  const { allowedSignersFile, gnupgHome } = signers;
  return [
    ['gpg.x509.program', 'false'],
    ['gpg.openpgp.program', gnupgHome === undefined ? 'false' : 'gpg'],
    ['gpg.ssh.program', allowedSignersFile === undefined ? 'false' : 'ssh-keygen'],
    // Without it git refuses by itself: `false` may end before git has written to it, and then git ends by SIGPIPE.
    ...(allowedSignersFile === undefined ? [] : [['gpg.ssh.allowedSignersFile', allowedSignersFile] as const]),
  ];
}

function inherited(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = INHERITED.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

function gitConfiguration(settings: GitSettings, credentials: Credentials | undefined): readonly (readonly [string, string])[] {
  const entries: (readonly [string, string])[] = [
    ['core.hooksPath', '/dev/null'],
    ['gc.autoDetach', 'false'],
    // A transfer that stands still ends by itself, before the deadline of the fetch.
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(seconds(settings.timeoutMs))],
  ];
  if (settings.certFile !== undefined) entries.push(['http.sslCert', settings.certFile]);
  if (settings.keyFile !== undefined) entries.push(['http.sslKey', settings.keyFile]);
  if (settings.proxy !== undefined) entries.push(['http.proxy', settings.proxy]);
  if (credentials === undefined) return entries;
  const token = Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64');
  // Sent unasked, which saves a refused request per look; hence no redirect, or another server would get it too.
  return [...entries, ['http.followRedirects', 'false'], ['http.extraHeader', `Authorization: Basic ${token}`]];
}

/** Configuration as `GIT_CONFIG_COUNT` and its keys and values. */
function configuration(entries: readonly (readonly [string, string])[]): Record<string, string> {
  const result: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) };
  for (const [index, [key, value]] of entries.entries()) {
    result[`GIT_CONFIG_KEY_${index}`] = key;
    result[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return result;
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
