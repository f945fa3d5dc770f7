import type { Problem, ProblemCode } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { isSshChatter, type RefusedHostKey, refusedHostKey } from './ssh-command.ts';

/** A git process that failed. */
export interface FailedCommand {
  /** What was attempted, in words: `git fetch of https://…`. */
  readonly what: string;
  /** What git wrote to stderr, redacted. */
  readonly output: string;
  /** Whether it was to talk to the remote. */
  readonly remote: boolean;
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: ProblemCode;
  readonly remedy?: string;
}

// Texts of git 2.30 to 2.51, curl and OpenSSH in the C locale; the first that fits counts.
const REMOTE_RULES: readonly Rule[] = [
  {
    pattern: /unprotected private key|bad permissions/i,
    code: 'GIT_AUTH_FAILED',
    remedy: 'Let nobody but the daemon read the file of `git.sshKeyFile`: mode 0400, in Kubernetes `defaultMode: 0400`.',
  },
  {
    pattern: /^load key /im,
    code: 'GIT_AUTH_FAILED',
    remedy: 'Give in `git.sshKeyFile` a private key of OpenSSH without a passphrase, with its last line break, that the daemon may read.',
  },
  {
    pattern:
      /load(ing)? .*client certificate|private key file|client certificate .*(problem|could not)|problem with the local ssl cert|reading (x\.?509|certificate) key/i,
    code: 'GIT_AUTH_FAILED',
    remedy: 'Check that `git.certFile` and `git.keyFile` hold a PEM certificate and its key, and that the daemon may read them.',
  },
  {
    pattern:
      /alert (certificate required|bad certificate|unknown ca)|tls fatal alert|certificate is required|ssl certificate was sent|returned error: 400/i,
    code: 'GIT_AUTH_FAILED',
    remedy: 'The server asks for a client certificate, or for another one: set `git.certFile` and `git.keyFile`.',
  },
  {
    pattern: /from proxy|resolve proxy|connect tunnel|proxy connect/i,
    code: 'GIT_UNREACHABLE',
    remedy: 'Check `git.proxy`, or the variables https_proxy and no_proxy of the daemon.',
  },
  {
    pattern: /permission denied \([^)]*publickey/i,
    code: 'GIT_AUTH_FAILED',
    remedy: 'Let the account on the Git server read by the public key of `git.sshKeyFile`; a key with a passphrase cannot be used.',
  },
  {
    pattern: /authentication failed|could not read (username|password)|access denied|permission denied|returned error: 40[13]/i,
    code: 'GIT_AUTH_FAILED',
  },
  { pattern: /couldn't find remote ref/i, code: 'GIT_REF_MISSING' },
  {
    pattern: /returned error: 30\d|unable to update url base from redirection/i,
    code: 'GIT_UNREACHABLE',
    remedy: 'The server redirects, and credentials are not sent on; write the new address into `git.url`.',
  },
  {
    pattern: /repository .* not found|returned error: 404|does not appear to be a git repository|repository not found/i,
    code: 'GIT_UNREACHABLE',
    remedy: 'Correct `git.url`, or let the account read the repository: servers hide what it may not see.',
  },
  {
    pattern: /ssl certificate|certificate verif/i,
    code: 'GIT_UNREACHABLE',
    remedy: 'Name the certificate authorities of the Git server by `git.sslCaFile`.',
  },
  {
    pattern:
      /unable to access|could not resolve|failed to connect|unable to connect|connection (refused|reset|closed|timed out)|hung up|could not read from remote|early eof|rpc failed|operation too slow|timed out/i,
    code: 'GIT_UNREACHABLE',
  },
];

/** What is wrong when git fails, by what it said. */
export function classifyError(failed: FailedCommand): Problem {
  const said = lastWords(failed.output);
  const message = `${failed.what} failed: ${said}`;
  const hostKey = failed.remote ? refusedHostKey(failed.output) : undefined;
  if (hostKey !== undefined) return hostKeyProblem(failed.what, hostKey);
  if (/\bENOENT\b/.test(said)) {
    return problem('GIT_READ_FAILED', message, { remedy: 'Install git and see that PATH holds it.', next: 'fix-config' });
  }
  const rule = failed.remote ? REMOTE_RULES.find(({ pattern }) => pattern.test(failed.output)) : undefined;
  if (rule === undefined) return problem('GIT_READ_FAILED', message);
  return problem(rule.code, message, rule.remedy === undefined ? {} : { remedy: rule.remedy });
}

function hostKeyProblem(what: string, { kind, fingerprint = 'of unknown fingerprint' }: RefusedHostKey): Problem {
  return kind === 'changed'
    ? problem('GIT_HOST_KEY_CHANGED', `${what} failed: the server shows the host key ${fingerprint}, and another one is known of it`)
    : problem('GIT_HOST_KEY_UNKNOWN', `${what} failed: the server shows the host key ${fingerprint}, which is not known`);
}

/** What is wrong when git did not end in time. */
export function timeoutProblem(failed: Omit<FailedCommand, 'output'>, timeoutMs: number): Problem {
  return problem(failed.remote ? 'GIT_UNREACHABLE' : 'GIT_READ_FAILED', `${failed.what} had not ended after ${timeoutMs / 1000} s`);
}

const MAX_LENGTH = 300;

/** What git and its helpers wrote, on one line, without hints and stack traces; at most 300 characters. */
function lastWords(output: string): string {
  const lines = output.split(/[\r\n]+/).map((line) => line.trim());
  const text = lines.filter((line) => line !== '' && !/^(hint:|at )/.test(line) && !isSshChatter(line)).join('; ');
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
