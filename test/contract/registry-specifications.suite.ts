import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { KvWrite } from '../../src/core/model/action.ts';
import { kvFlags, specificationsPrefix } from '../../src/core/model/consul-names.ts';
import { textDigest } from '../../src/core/model/hash.ts';
import { type KvKey, kvKey } from '../../src/core/model/ids.ts';
import type { KvEntry } from '../../src/core/model/registration.ts';
import { type ConsulUnderTest, type RegistryRig, type StartConsul, startRig } from './registry-rig.ts';

/** How the tree of specifications is read: in full when someone else changed it, otherwise not at all. */
export function registrySpecificationsSuite(startConsul: StartConsul): void {
  let consul: ConsulUnderTest;
  let rig: RegistryRig;
  const rigs: RegistryRig[] = [];
  beforeAll(async () => {
    consul = await startConsul();
  });
  afterEach(async () => {
    for (const one of rigs.splice(0)) await one.stop();
  });
  afterAll(() => consul.stop());

  const open = async (): Promise<void> => {
    rig = await startRig(consul);
    rigs.push(rig);
    await rig.registry.refresh(rig.signal);
  };
  const keyOf = (name: string): KvKey => kvKey(`${specificationsPrefix(rig.keyPath)}${name}`);
  const write = async (...writes: readonly KvWrite[]): Promise<void> => {
    const results = await rig.registry.commit([{ kind: 'write-kv', writes, why: 'test' }], rig.fence, rig.signal);
    expect(results).toEqual([{ kind: 'done' }]);
  };
  const entryOf = (name: string): KvEntry | undefined => rig.state().kv.get(keyOf(name));
  /** The requests for specifications that a reading makes. */
  const readingOf = async (): Promise<readonly string[]> => {
    const before = rig.proxy.seen.length;
    await rig.registry.refresh(rig.signal);
    return rig.proxy.seen.slice(before).filter((request) => decodeURIComponent(request).includes('/specifications/'));
  };

  it('keeps digests instead of values', async () => {
    await open();
    await rig.stranger('PUT', `kv/${keyOf('prod/web/latest')}`, 'theirs');
    await rig.registry.refresh(rig.signal);
    expect(entryOf('prod/web/latest')).toMatchObject({ value: '', digest: textDigest('"theirs"'), flags: 0 });
  });

  it('asks one short question while nobody else has written', async () => {
    await open();
    await write({ key: keyOf('prod/web/latest'), value: 'a', modifyIndex: 0 }, { key: keyOf('prod/web/1_x'), value: 'a', modifyIndex: 0 });
    await write({ key: keyOf('prod/api/latest'), value: 'b', modifyIndex: 0 });
    expect(await readingOf()).toHaveLength(1);
    expect(await readingOf()).toHaveLength(1);
    expect(entryOf('prod/web/latest')).toMatchObject({ value: 'a', flags: kvFlags(rig.owner, rig.cluster) });
    const modifyIndex = entryOf('prod/web/1_x')?.modifyIndex ?? 0;
    await write(
      { key: keyOf('prod/web/1_x'), value: undefined, modifyIndex },
      { key: keyOf('prod/web/latest'), value: 'c', modifyIndex: entryOf('prod/web/latest')?.modifyIndex ?? 0 },
    );
    expect(await readingOf()).toHaveLength(1);
    expect([entryOf('prod/web/1_x'), entryOf('prod/web/latest')?.value]).toEqual([undefined, 'c']);
  });

  it('sees what someone else wrote or deleted', async () => {
    await open();
    await write(
      { key: keyOf('prod/web/latest'), value: 'a', modifyIndex: 0 },
      { key: keyOf('prod/api/latest'), value: 'a', modifyIndex: 0 },
    );
    await rig.stranger('PUT', `kv/${keyOf('prod/web/latest')}`, 'theirs');
    await rig.stranger('DELETE', `kv/${keyOf('prod/api/latest')}`);
    expect((await readingOf()).length).toBeGreaterThan(1);
    expect(entryOf('prod/web/latest')).toMatchObject({ digest: textDigest('"theirs"') });
    expect(entryOf('prod/api/latest')).toBeUndefined();
  });

  it('reads anew after a write that met something else', async () => {
    await open();
    await write({ key: keyOf('prod/web/latest'), value: 'a', modifyIndex: 0 });
    // Hidden by the write of ours that follows: the tree's index is ours then.
    await rig.stranger('PUT', `kv/${keyOf('prod/web/latest')}`, 'theirs');
    await write({ key: keyOf('prod/api/latest'), value: 'b', modifyIndex: 0 });
    expect(await readingOf()).toHaveLength(1);
    const stale = { key: keyOf('prod/web/latest'), value: 'c', modifyIndex: entryOf('prod/web/latest')?.modifyIndex ?? 0 };
    const results = await rig.registry.commit([{ kind: 'write-kv', writes: [stale], why: 'test' }], rig.fence, rig.signal);
    expect(results).toMatchObject([{ kind: 'failed', problem: { code: 'CONSUL_CHANGED' } }]);
    await rig.registry.refresh(rig.signal);
    expect(entryOf('prod/web/latest')).toMatchObject({ digest: textDigest('"theirs"') });
  });

  it('leaves it as it was while another replica leads', async () => {
    await open();
    await write({ key: keyOf('prod/web/latest'), value: 'a', modifyIndex: 0 });
    rig.lease.state = { held: false, holder: 'another' };
    await rig.stranger('PUT', `kv/${keyOf('prod/web/latest')}`, 'theirs');
    expect(await readingOf()).toEqual([]);
    rig.lease.state = { held: true, fence: rig.fence, untilMs: Number.POSITIVE_INFINITY };
    expect((await readingOf()).length).toBeGreaterThan(1);
    expect(entryOf('prod/web/latest')).toMatchObject({ digest: textDigest('"theirs"') });
  });
}
