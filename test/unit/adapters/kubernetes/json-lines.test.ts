import { describe, expect, it } from 'vitest';
import { readJsonLines } from '../../../../src/adapters/kubernetes/json-lines.ts';

describe('readJsonLines', () => {
  const read = async (chunks: readonly string[]): Promise<unknown[]> => {
    const bytes = chunks.map((chunk) => Buffer.from(chunk, 'latin1'));
    const documents: unknown[] = [];
    for await (const document of readJsonLines(ReadableStream.from(bytes))) documents.push(document);
    return documents;
  };
  const latin = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

  it('reads lines however they are cut', async () => {
    const text = latin('{"a":"\u00fc"}\n\n{"b":2}\n{"c":3}');
    for (let size = 1; size <= text.length; size++) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
      expect(await read(chunks)).toEqual([{ a: '\u00fc' }, { b: 2 }, { c: 3 }]);
    }
  });

  it('fails on a line that is not JSON, also on a last one that was cut off', async () => {
    await expect(read(['{"a":1}\nnonsense\n'])).rejects.toThrow(SyntaxError);
    await expect(read(['{"a":1}\n{"b":'])).rejects.toThrow(SyntaxError);
  });
});
