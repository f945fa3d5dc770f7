import { BlockList } from 'node:net';

/** True when only processes of this machine can reach the host. Names other than `localhost` are not looked up, so they count as others. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, host.includes(':') ? 'ipv6' : 'ipv4');
}
