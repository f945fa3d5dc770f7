import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askOn } from '../../../src/cli/ask-terminal.ts';

/** A terminal whose person types `keys` once the question stands there. */
function ask(keys: string, isEnd = false) {
  const stop = new AbortController();
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  const shown: string[] = [];
  output.on('data', (chunk: Buffer) => {
    shown.push(chunk.toString());
    if (!shown.join('').includes('Name: ') || input.writableEnded) return;
    if (keys !== '') input.write(keys);
    if (isEnd) input.end();
    output.removeAllListeners('data');
  });
  return { answer: askOn({ input, output, interrupt: () => stop.abort() }, 'Name: ', stop.signal), stop };
}

describe('askOn', () => {
  it('gives the line that is typed', async () => {
    expect(await ask('web\n').answer).toBe('web');
  });

  it.each([
    ['Ctrl+D', '\u0004', false],
    ['an input that ends', '', true],
  ])('has no answer at %s', async (_, keys, isEnd) => {
    expect(await ask(keys, isEnd).answer).toBeUndefined();
  });

  it('aborts at Ctrl+C', async () => {
    const { answer, stop } = ask('\u0003');
    await expect(answer).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(stop.signal.aborted).toBe(true);
  });
});
