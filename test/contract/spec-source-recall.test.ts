import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SpecId, specId } from '../../src/core/model/ids.ts';
import { complete, openFolderRig, type Rig, steady } from './spec-source-rig.ts';

describe('a spec source that looks for an earlier version of a file', () => {
  let rig: Rig;

  beforeEach(async () => {
    rig = await openFolderRig();
    await rig.repository.commit({ 'apps/web [1].yaml': 'good', 'other.yaml': 'other' }, 'good');
    await rig.repository.commit({ 'apps/web [1].yaml': 'bad' }, 'bad');
  });

  afterEach(async () => {
    await rig.close();
  });

  const idOf = async (text: string): Promise<string> => await rig.repository.git(['hash-object', '-w', '--stdin'], Buffer.from(text));

  async function recall(asked: Readonly<Record<string, string>>, options: Parameters<Rig['open']>[0] = {}): Promise<unknown> {
    const source = rig.open(options);
    complete(await source.read('', steady()));
    const blobs = new Map<SpecId, string>(Object.entries(asked).map(([id, blobId]) => [specId(id), blobId]));
    const found = (await source.recall?.(blobs, steady())) ?? [];
    return Object.fromEntries(
      found.map(({ id, content }) => [id, content.kind === 'bytes' ? Buffer.from(content.bytes).toString() : content.kind]),
    );
  }

  it('finds what the head, or a commit before it, had at that path', async () => {
    const found = await recall({ 'apps/web [1].yaml': await idOf('good'), 'other.yaml': await idOf('other') });
    expect(found).toEqual({ 'apps/web [1].yaml': 'good', 'other.yaml': 'other' });
  });

  it('leaves out what stood at another path, was never committed, or is no id', async () => {
    const asked = { 'other.yaml': await idOf('good'), 'apps/web [1].yaml': await idOf('never'), 'x.yaml': '--output=/x' };
    expect(await recall(asked)).toEqual({});
  });

  it('leaves out what only another branch has: nobody has let it in', async () => {
    await rig.repository.git(['branch', 'side']);
    await rig.repository.commit({ 'apps/web [1].yaml': 'from the side' }, 'side', { branch: 'side' });
    const asked = { 'apps/web [1].yaml': await idOf('from the side') };
    expect(await recall(asked)).toEqual({});
    expect(await recall(asked, { ref: 'side' })).toEqual({ 'apps/web [1].yaml': 'from the side' });
  });

  it('leaves out what is larger than a file may be, and what a mirror without history does not have', async () => {
    const asked = { 'apps/web [1].yaml': await idOf('good') };
    expect(await recall(asked, { limits: { maxFileBytes: 3 } })).toEqual({});
    expect(await recall(asked, { shallow: true, mirrorDir: join(rig.mirrorDir, 'shallow') })).toEqual({});
  });

  it('has nothing before it has read anything', async () => {
    const source = rig.open();
    expect(await source.recall?.(new Map([[specId('other.yaml'), await idOf('other')]]), steady())).toEqual([]);
  });
});
