import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below 32768, so that neither the kernel's range of outgoing ports nor a NodePort (30000-32767) can take a port
// between our check and the server's bind.
const lowest = 15_000;
const highest = 29_999;
const blockSize = 64;
const blocks = Math.floor((highest - lowest) / blockSize);

// Test files run in processes of their own, whose ids are close together: a block per process id keeps two of them from
// picking the same port at the same moment.
let next = lowest + (process.pid % blocks) * blockSize;

/**
 * A port of 127.0.0.1 that is free for TCP and UDP. Each call gives another one; nothing holds it, so start the server
 * soon.
 */
export async function freePort(): Promise<number> {
  for (let tried = lowest; tried <= highest; tried++) {
    const port = next;
    next = next >= highest ? lowest : next + 1;
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
  throw new Error(`no free port between ${lowest} and ${highest}`);
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
