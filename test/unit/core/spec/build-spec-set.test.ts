import { describe, expect, it } from 'vitest';
import { revision, specId } from '../../../../src/core/model/ids.ts';
import type { SpecFile, SpecFiles } from '../../../../src/core/model/spec-set.ts';
import { buildSpecSet, newDecodeCache } from '../../../../src/core/spec/build-spec-set.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { OPTIONS, specFile } from './decode.ts';

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
const commit = (files: readonly SpecFile[]): SpecFiles => ({
  revision: revision('a'.repeat(40)),
  source: 'source',
  files,
  commits: [],
  problems: [],
  movedAfterMs: 0,
  fetchedAtMs: 0,
});
const OLD = 'apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\n';

describe('buildSpecSet', () => {
  it('sorts every file into specs or broken, in the order of their paths', () => {
    const refused: SpecFile = {
      id: specId('link.yaml'),
      blobId: 'l',
      content: { kind: 'refused', problem: problem('SPEC_NOT_A_FILE', 'link.yaml is a symbolic link') },
    };
    const files = [specFile('b.yaml', configMap('b')), refused, specFile('a.yaml', OLD), specFile('c.yaml', 'x')];
    const set = buildSpecSet(commit(files), OPTIONS, newDecodeCache());
    expect([...set.specs.keys()]).toEqual(['a.yaml', 'b.yaml']);
    expect([...set.broken.keys()]).toEqual(['c.yaml', 'link.yaml']);
    expect(set.broken.get(specId('link.yaml'))).toMatchObject([{ code: 'SPEC_NOT_A_FILE' }]);
    expect(set.notes).toMatchObject([{ code: 'SPEC_OLD_API_VERSION', where: { file: 'a.yaml' } }]);
    expect(set).toMatchObject({ revision: 'a'.repeat(40), source: 'source', commits: [] });
    expect(buildSpecSet(commit(files.toReversed()), OPTIONS, newDecodeCache())).toEqual(set);
  });

  it('keeps the very result of a file that did not change', () => {
    const cache = newDecodeCache();
    const first = buildSpecSet(commit([specFile('a.yaml', configMap('a'), '1'), specFile('b.yaml', OLD, '1')]), OPTIONS, cache);
    const second = buildSpecSet(commit([specFile('a.yaml', configMap('a'), '1'), specFile('b.yaml', OLD, '2')]), OPTIONS, cache);
    expect(second.specs.get(specId('a.yaml'))).toBe(first.specs.get(specId('a.yaml')));
    expect(second.specs.get(specId('b.yaml'))).not.toBe(first.specs.get(specId('b.yaml')));
    expect(second.notes).toEqual(first.notes);
  });

  it('tells two paths of one blob apart', () => {
    const files = [specFile('a.yaml', configMap('a'), '1'), specFile('x/a.yaml', configMap('a'), '1')];
    const set = buildSpecSet(commit(files), { ...OPTIONS, namespaceFromFolder: true }, newDecodeCache());
    expect([...set.specs.values()].map(({ id, objects }) => [id, objects[0]?.key])).toEqual([
      ['a.yaml', '/ConfigMap/default/a'],
      ['x/a.yaml', '/ConfigMap/x/a'],
    ]);
  });

  it('decodes again under other options', () => {
    const cache = newDecodeCache();
    const files = commit([specFile('a.yaml', configMap('a'))]);
    buildSpecSet(files, OPTIONS, cache);
    const set = buildSpecSet(files, { ...OPTIONS, defaultNamespace: 'prod' }, cache);
    expect(set.specs.get(specId('a.yaml'))?.objects[0]?.key).toBe('/ConfigMap/prod/a');
  });

  it('forgets what the last commit no longer has', () => {
    const cache = newDecodeCache();
    buildSpecSet(commit([specFile('a.yaml', configMap('a')), specFile('b.yaml', configMap('b'))]), OPTIONS, cache);
    buildSpecSet(commit([specFile('b.yaml', configMap('b'))]), OPTIONS, cache);
    expect([...cache.entries.keys()]).toEqual(['["b.yaml","blob"]']);
  });

  it('does not remember why a file was refused', () => {
    const cache = newDecodeCache();
    const refused = (message: string): SpecFiles =>
      commit([{ id: specId('a'), blobId: '1', content: { kind: 'refused', problem: problem('SPEC_NOT_A_FILE', message) } }]);
    buildSpecSet(refused('one'), OPTIONS, cache);
    expect(buildSpecSet(refused('two'), OPTIONS, cache).broken.get(specId('a'))).toMatchObject([{ message: 'two' }]);
  });
});
