/** How ssh is to prove who we are, and how the server proves who it is. */
export interface SshSettings {
  /** The private key; the agent's keys unless told. */
  readonly keyFile: string | undefined;
  /** The only host keys that count; those of the machine unless told. */
  readonly knownHostsFile: string | undefined;
  readonly timeoutMs: number;
}

/**
 * The ssh command for git, for a shell. It never asks; it trusts no host key that it was not given. With files of our own the
 * settings of the machine (`~/.ssh/config`) take no part. `-v` makes ssh tell the fingerprint of the host key that it refuses.
 */
export function buildSshCommand({ keyFile, knownHostsFile, timeoutMs }: SshSettings): string {
  const wait = Math.max(1, Math.ceil(timeoutMs / 1000));
  const parts = ['ssh', '-v', '-o BatchMode=yes', '-o StrictHostKeyChecking=yes'];
  if (keyFile !== undefined || knownHostsFile !== undefined) parts.push('-F /dev/null');
  if (keyFile !== undefined) parts.push(option('IdentityFile', keyFile), '-o IdentitiesOnly=yes', '-o IdentityAgent=none');
  if (knownHostsFile !== undefined) parts.push(option('UserKnownHostsFile', knownHostsFile), '-o GlobalKnownHostsFile=/dev/null');
  parts.push(`-o ConnectTimeout=${wait}`, `-o ServerAliveInterval=${wait}`, '-o ServerAliveCountMax=1');
  return parts.join(' ');
}

/** An option that names a file, in the quotes of ssh (blanks, `%`) within those of the shell. */
function option(name: string, path: string): string {
  const value = `${name}="${path.replaceAll('%', '%%')}"`;
  return `-o '${value.replaceAll("'", "'\\''")}'`;
}

/** Whether a path can be given to ssh: it knows no escape for a quotation mark, and expands `${…}`. */
export const isSshPath = (path: string): boolean => !/["\n\r\0]|\$\{/.test(path);

/** A host key that ssh refused. */
export interface RefusedHostKey {
  readonly kind: 'unknown' | 'changed';
  /** `ssh-ed25519 SHA256:…`; undefined where ssh did not say. */
  readonly fingerprint: string | undefined;
}

/** Reads from what ssh wrote which host key it refused; undefined when that was not the trouble. */
export function refusedHostKey(output: string): RefusedHostKey | undefined {
  if (!/host key verification failed|remote host identification has changed/i.test(output)) return undefined;
  const told = /Server host key: (?<key>\S+ \S+)/i.exec(output)?.groups?.['key'];
  const warned = /key sent by the remote host is\s+(?<key>\S+:\S+?)\.?\s/i.exec(output)?.groups?.['key'];
  const kind = /identification has changed|offending .*key in/i.test(output) ? 'changed' : 'unknown';
  return { kind, fingerprint: told ?? warned };
}

/** Lines of ssh that tell no failure. */
export const isSshChatter = (line: string): boolean =>
  /^(debug\d: |OpenSSH_|Authenticated to |Transferred: |Bytes per second: )/.test(line);
