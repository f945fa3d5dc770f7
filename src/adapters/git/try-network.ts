import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { orAborted, withDeadline } from '../../shared/abort.ts';
import { errorText } from '../../shared/errors.ts';
import type { GitSettings } from './git-settings.ts';

/** How a try ended. */
export interface NetworkCheck {
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly message: string;
  readonly remedy?: string;
}

/** What is to be connected to. */
interface Address {
  readonly host: string;
  readonly port: number;
  /** A proxy stands for the server. */
  readonly kind: 'server' | 'proxy';
}

const PORTS = { https: 443, http: 80, ssh: 22, git: 9418 } as const;
const PROXY_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks5h:': 1080 };

/** Where a connection to the repository goes first; unknown for a folder and where another program decides. */
export function addressOf(settings: GitSettings): Address | { readonly kind: 'unknown'; readonly why: string } {
  const { remote, proxy, sshCommand } = settings;
  if (remote.protocol === 'file') return { kind: 'unknown', why: 'the repository is a folder' };
  if (remote.protocol === 'ssh' && sshCommand !== undefined) return { kind: 'unknown', why: 'git.sshCommand decides where it connects to' };
  if (proxy !== undefined) {
    const url = new URL(proxy);
    return { kind: 'proxy', host: bare(url.hostname), port: Number(url.port) || (PROXY_PORTS[url.protocol] ?? 80) };
  }
  if (hasProxyVariable(settings)) return { kind: 'unknown', why: 'the environment names a proxy' };
  const url = URL.parse(remote.url);
  // `user@host:path`
  if (url === null || !remote.url.includes('://')) return { kind: 'server', host: /^[^@]*@([^:]+):/.exec(remote.url)?.[1] ?? '', port: 22 };
  return { kind: 'server', host: bare(url.hostname), port: Number(url.port) || PORTS[remote.protocol] };
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

function hasProxyVariable({ remote: { protocol }, environment }: GitSettings): boolean {
  const names = protocol === 'https' ? ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'] : ['http_proxy', 'all_proxy', 'ALL_PROXY'];
  return (protocol === 'https' || protocol === 'http') && names.some((name) => (environment[name] ?? '') !== '');
}

/** Whether the name of the host leads to an address. */
export async function tryLookup({ host, kind }: Address, signal: AbortSignal): Promise<NetworkCheck> {
  if (isIP(host) !== 0) return { status: 'skipped', message: `${host} is an address` };
  try {
    const found = await orAborted(lookup(host, { all: true }), signal);
    return { status: 'ok', message: `${host} is ${found.map(({ address }) => address).join(', ')}` };
  } catch (error) {
    signal.throwIfAborted();
    const remedy = `Correct the host in \`git.${kind === 'proxy' ? 'proxy' : 'url'}\`, or the name server of this machine.`;
    return { status: 'failed', message: `the name ${host} leads to no address: ${errorText(error)}`, remedy };
  }
}

/** Whether somebody listens there. */
export async function tryConnection(
  { host, port, kind }: Address,
  { timeoutMs }: Pick<GitSettings, 'timeoutMs'>,
  signal: AbortSignal,
): Promise<NetworkCheck> {
  const socket = connectTcp({ host, port });
  try {
    await once(socket, 'connect', { signal: withDeadline(signal, Math.min(timeoutMs, 10_000)) });
    return { status: 'ok', message: `${kind === 'proxy' ? 'the proxy ' : ''}${host} listens at port ${port}` };
  } catch (error) {
    signal.throwIfAborted();
    const remedy = 'Check the port, that the server runs, and firewalls and network policies between here and there.';
    return { status: 'failed', message: `nothing answers at ${host}, port ${port}: ${errorText(error)}`, remedy };
  } finally {
    socket.destroy();
  }
}

/** Whether the server's certificate is good. Where git asks the machine's own authorities, git has the last word. */
export async function tryTls({ host, port }: Address, settings: GitSettings, signal: AbortSignal): Promise<NetworkCheck> {
  const { sslCaFile, certFile, keyFile, timeoutMs } = settings;
  const files = { ca: sslCaFile, cert: certFile, key: keyFile };
  const read = await Promise.all(Object.entries(files).map(async ([name, path]) => [name, path && (await readFile(path))] as const));
  const given = Object.fromEntries(read.filter(([, content]) => content !== undefined));
  const serverName = isIP(host) === 0 ? { servername: host } : {};
  try {
    const socket = connectTls({ host, port, ...given, ...serverName });
    try {
      await once(socket, 'secureConnect', { signal: withDeadline(signal, Math.min(timeoutMs, 10_000)) });
      const { valid_to: end } = socket.getPeerCertificate();
      return { status: 'ok', message: `the certificate of ${host} is trusted, and good until ${end}` };
    } finally {
      socket.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    const message = `the TLS handshake with ${host} fails: ${errorText(error)}`;
    const remedy =
      'Name the certificate authorities of the Git server by `git.sslCaFile`, and use the host name that its certificate holds.';
    return { status: sslCaFile === undefined ? 'warning' : 'failed', message, remedy };
  }
}
