import { constants, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

/**
 * The bytes of what a person has named: a file, or a pipe, as `<(…)` of a shell is one. Waiting for who writes into a pipe ends with the
 * signal, which a plain read would sit out. Throws what the file system throws.
 */
export async function readNamed(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const found = await stat(path);
  if (found.isFIFO()) return readPipe(path, signal);
  if (found.isFile() || found.isDirectory()) return readFile(path, { signal });
  throw new Error('it is neither a file nor a folder');
}

/** The bytes of a stream that others write, up to its end. Aborts with the signal. */
export async function readStream(stream: Readable, signal: AbortSignal): Promise<Uint8Array> {
  signal.throwIfAborted();
  const stop = (): unknown => stream.destroy(signal.reason instanceof Error ? signal.reason : undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await buffer(stream);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Without O_NONBLOCK the open itself waits for a writer, in a thread that nothing can call back. */
async function readPipe(path: string, signal: AbortSignal): Promise<Uint8Array> {
  signal.throwIfAborted();
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return readStream(new Socket({ fd, readable: true, writable: false }), signal);
}
