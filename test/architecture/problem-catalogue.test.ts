import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/shared/problem.ts';

const root = join(import.meta.dirname, '..', '..');
const CATALOGUE = join('src', 'shared', 'problems');

async function textOf(folder: string): Promise<string> {
  const files = (await readdir(join(root, folder), { recursive: true })).filter((file) => file.endsWith('.ts'));
  const texts = await Promise.all(
    files.map((file) => (join(folder, file).startsWith(CATALOGUE) ? '' : readFile(join(root, folder, file), 'utf8'))),
  );
  return texts.join('\n');
}

describe('the catalogue of problems', () => {
  it('holds no code that nothing reports, and none that no test provokes', async () => {
    const [sources, tests] = await Promise.all([textOf('src'), textOf('test')]);
    const codes = Object.keys(PROBLEMS);
    expect(codes.filter((code) => !sources.includes(code))).toEqual([]);
    expect(codes.filter((code) => !tests.includes(code))).toEqual([]);
  });

  it.each(Object.entries(PROBLEMS))('%s has a remedy that is a whole sentence', (_code, { remedy }) => {
    expect(remedy).toMatch(/^[A-Z].{10,}\.$/);
  });
});
