/** Where a repository is hosted, as far as its URL tells. */
export interface GitHost {
  /** The web address of the server: `https://git.example.com`. */
  readonly origin: string;
  readonly host: string;
  /** The path of the repository, without `.git`: `team/specs`. */
  readonly repository: string;
}

/** The host of an https or ssh repository, also in the form `git@host:team/specs.git`; undefined for any other. */
export function gitHost(gitUrl: string): GitHost | undefined {
  const short = /^(?:[^/@\s]+@)?([^/:@\s]+):(?!\/)(.+)$/.exec(gitUrl);
  if (short !== null && !gitUrl.includes('://')) return hostOf(short[1] ?? '', short[2] ?? '');
  const url = URL.parse(gitUrl);
  if (url === null || !/^(https?|ssh):$/.test(url.protocol)) return undefined;
  // The port of ssh says nothing of the one of the web server.
  return hostOf(url.hostname, url.pathname, url.protocol === 'ssh:' ? undefined : url.origin);
}

function hostOf(name: string, path: string, origin?: string): GitHost | undefined {
  const repository = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const host = name === 'ssh.github.com' ? 'github.com' : name;
  return host === '' || !repository.includes('/') ? undefined : { host, origin: origin ?? `https://${host}`, repository };
}
