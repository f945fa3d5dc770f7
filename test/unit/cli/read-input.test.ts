import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNamed, readStream } from '../../../src/cli/read-input.ts';
import { makePipe } from '../../support/make-pipe.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'poolkeeper-input-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const steady = (): AbortSignal => AbortSignal.timeout(20_000);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const newPipe = (): string => makePipe(join(folder, 'pipe'));

describe('readNamed', () => {
  it('reads a file', async () => {
    await writeFile(join(folder, 'a.yaml'), 'kind: ü\n');
    expect(textOf(await readNamed(join(folder, 'a.yaml'), steady()))).toBe('kind: ü\n');
  });

  it('waits for who writes into a pipe, and reads all of it', async () => {
    const path = newPipe();
    const read = readNamed(path, steady());
    const text = 'kind: Service\n'.repeat(100_000);
    createWriteStream(path).end(text);
    expect(textOf(await read)).toBe(text);
  });

  it('gives up a pipe that nobody writes into', async () => {
    const stop = new AbortController();
    const read = readNamed(newPipe(), stop.signal);
    stop.abort();
    await expect(read).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it.each([
    ['/dev/null', 'it is neither a file nor a folder'],
    ['/dev/nothing', 'ENOENT'],
    [tmpdir(), 'EISDIR'],
  ])('refuses %s', async (path, text) => {
    await expect(readNamed(path, steady())).rejects.toThrow(text);
  });
});

describe('readStream', () => {
  it('reads to the end, or until it is told to stop', async () => {
    const stream = new PassThrough();
    const read = readStream(stream, steady());
    stream.write('a');
    stream.end('b');
    expect(textOf(await read)).toBe('ab');
    await expect(readStream(new PassThrough(), AbortSignal.abort())).rejects.toThrow('aborted');
    const stop = new AbortController();
    const silent = readStream(new PassThrough(), stop.signal);
    stop.abort();
    await expect(silent).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});
