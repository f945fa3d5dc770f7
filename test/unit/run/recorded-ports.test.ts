import { describe, expect, it } from 'vitest';
import { DEPLOYMENT_KIND, groupKind, objectKey } from '../../../src/core/model/ids.ts';
import { mapSnapshot, snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { SpecFiles } from '../../../src/core/model/spec-set.ts';
import type { World } from '../../../src/core/model/world.ts';
import { reconcile } from '../../../src/run/reconcile.ts';
import { recordedPorts } from '../../../src/run/recorded-ports.ts';
import { createMemos } from '../../../src/run/run-memos.ts';
import { standingSource } from '../../../src/run/standing-source.ts';
import {
  complete,
  deployment,
  EMPTY_REGISTRY,
  endpoints,
  keys,
  MEMORY,
  NOW_MS,
  POLICY,
  service,
  spec,
  specSet,
  world,
} from '../../support/builders.ts';
import { settle } from '../../support/model-world.ts';

const specs = (replicas: number) => complete(specSet([spec('web.json', deployment('web', { replicas }), service('web'))]));
const { world: settled } = settle(world({ specs: specs(2), endpoints: [endpoints('default/web')] }));
const portsOf = ({ specs: _specs, ...rest }: World) =>
  recordedPorts({ recordedAtMs: NOW_MS, owner: POLICY.owner, cluster: POLICY.cluster, keyPath: POLICY.keyPath, world: rest });

describe('recordedPorts', () => {
  it('are planned against like the servers, and never written to', async () => {
    const { ports } = portsOf(settled);
    const input = {
      ports,
      policy: POLICY,
      clock: { now: () => NOW_MS, random: () => 0.5 },
      memos: createMemos(),
      dryRun: true,
      onOutcome: () => undefined,
    };
    const idle = await reconcile({ ...input, specs: specs(2) }, AbortSignal.timeout(5_000));
    expect(idle.last.guarded.plans.flatMap(({ actions }) => actions)).toEqual([]);
    const changed = await reconcile({ ...input, specs: specs(3) }, AbortSignal.timeout(5_000));
    expect(changed.last.guarded.plans.flatMap(({ actions }) => actions.map(({ kind }) => kind))).toEqual(['apply-object']);
    expect(() => ports.registry.commit([], { key: keys.memory, session: '' }, AbortSignal.timeout(1))).toThrow('INTERNAL');
  });

  it('take kinds that were not recorded for kinds without objects', async () => {
    const { cluster } = portsOf(settled).ports;
    const kind = groupKind('batch', 'Job');
    await cluster.prepare(new Set([DEPLOYMENT_KIND]), new Map([[objectKey(kind, 'a', 'b'), 'batch/v1']]), AbortSignal.timeout(1_000));
    expect(cluster.state().objects.get(kind)).toMatchObject({ kind: 'complete', value: new Map(), readAtMs: NOW_MS });
    expect(cluster.state().objects.get(DEPLOYMENT_KIND)).toBe(settled.cluster.objects.get(DEPLOYMENT_KIND));
  });
});

describe('standingSource', () => {
  const files: SpecFiles = {
    ...{ revision: specSet([]).revision, source: 'elsewhere', files: [], commits: [], problems: [] },
    movedAfterMs: 0,
    fetchedAtMs: 0,
  };
  const read = async (memory: string | undefined): Promise<string | undefined> => {
    const entry = { key: keys.memory, value: memory ?? '', flags: 0, modifyIndex: 1 };
    const kv = new Map(memory === undefined ? [] : [[keys.memory, entry]]);
    const registry = { state: () => complete({ ...EMPTY_REGISTRY, kv }) };
    const source = standingSource({ read: async () => complete(files) }, registry, POLICY);
    return snapshotValue(mapSnapshot(await source.read('', AbortSignal.timeout(1_000)), (value) => value.source));
  };

  it('passes for the source whose removals were last allowed, where there is one', async () => {
    expect(await read(JSON.stringify({ ...MEMORY, source: 'in force' }))).toBe('in force');
    expect(await read(undefined)).toBe('elsewhere');
  });
});
