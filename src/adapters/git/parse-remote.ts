import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';

/** How git talks to the repository; the only protocols that a git process of ours may use. */
export type RemoteProtocol = 'https' | 'http' | 'ssh' | 'git' | 'file';

/** A repository URL that was found to be harmless. */
export interface Remote {
  /** As configured; holds no password, so that it may stand on a command line and in messages. */
  readonly url: string;
  /** The same without any user: identifies the repository. */
  readonly identity: string;
  readonly protocol: RemoteProtocol;
}

const PROTOCOLS: Readonly<Record<string, RemoteProtocol>> = {
  'https:': 'https',
  'http:': 'http',
  'ssh:': 'ssh',
  'git:': 'git',
  'file:': 'file',
};
// `user@host:path`, the form without a scheme. A user is asked for, since `ext::…` and `host:path` look too much alike.
const SCP_LIKE = /^[A-Za-z0-9._][A-Za-z0-9._-]*@(?<rest>[A-Za-z0-9][A-Za-z0-9.-]*:[^:].*)$/;

/**
 * Reads a repository URL: https, http, ssh, git and file URLs, `user@host:path` and absolute paths. Anything else, such as
 * git's `ext::command`, and a URL that holds a password is refused: throws AppError GIT_URL_REFUSED, without the URL's user.
 */
export function parseRemote(url: string): Remote {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\s\u0000-\u001f\u007f]/.test(url)) throw refused('it holds a space or a control character');
  if (url.startsWith('/')) return { url, identity: url, protocol: 'file' };
  const scpLike = SCP_LIKE.exec(url)?.groups?.['rest'];
  if (scpLike !== undefined) return { url, identity: scpLike, protocol: 'ssh' };
  const parsed = URL.parse(url);
  const protocol = parsed === null ? undefined : PROTOCOLS[parsed.protocol];
  // `https:host/path` is a URL for the parser, and something else for git.
  if (parsed === null || protocol === undefined || !/^[a-z]+:\/\//i.test(url)) throw refused('it is none of the accepted forms');
  // git and ssh would take it for an option.
  if (parsed.hostname.startsWith('-') || parsed.username.startsWith('-')) throw refused('its host or user begins with a hyphen');
  if (parsed.password !== '' || (parsed.username !== '' && protocol !== 'ssh')) {
    throw refused('it holds credentials', 'Take them out of the URL and give them by `git.username` and `git.passwordFile`.');
  }
  return { url, identity: url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1'), protocol };
}

function refused(why: string, remedy?: string): AppError {
  return new AppError(problem('GIT_URL_REFUSED', `the repository URL is not accepted: ${why}`, remedy === undefined ? {} : { remedy }));
}
