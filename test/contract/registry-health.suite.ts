import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { RegistryAction } from '../../src/core/model/action.ts';
import { poolCheckId } from '../../src/core/model/consul-names.ts';
import { poolKey } from '../../src/core/model/ids.ts';
import { probeOnce } from '../support/fake-esm.ts';
import { type ConsulUnderTest, ensureNode, type RegistryRig, registerPool, type StartConsul, startRig } from './registry-rig.ts';

/** How checks tell the health of a pool: those that stand while nothing serves it, and those that consul-esm judges. */
export function registryHealthSuite(startConsul: StartConsul): void {
  let consul: ConsulUnderTest;
  const rigs: RegistryRig[] = [];
  beforeAll(async () => {
    consul = await startConsul();
  });
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.stop();
  });
  afterAll(() => consul.stop());

  const open = async (): Promise<RegistryRig> => {
    const rig = await startRig(consul);
    rigs.push(rig);
    await rig.registry.refresh(rig.signal);
    return rig;
  };
  const commit = (rig: RegistryRig, ...actions: readonly RegistryAction[]) => rig.registry.commit(actions, rig.fence, rig.signal);
  const done = { kind: 'done' };
  const failed = (code: string) => ({ kind: 'failed', problem: expect.objectContaining({ code }) });

  it('writes a probe as it is read later, and knows the word of consul-esm on it, which no other write takes back', async () => {
    const rig = await open();
    const name = `web-${rig.cluster}`;
    await commit(rig, ensureNode(rig, 'worker-1'));
    expect(await commit(rig, registerPool(rig, name, { probed: true }))).toEqual([done]);
    const folded = rig.state();
    await rig.registry.refresh(rig.signal);
    expect(rig.state().checks).toEqual(folded.checks);
    const written = await probeOnce(rig.stranger, rig.cluster, async () => ({ status: 'critical', output: 'refused' }));
    expect(written).toBe(1);
    await rig.registry.refresh(rig.signal);
    const probeOf = () => [...rig.state().checks.values()].find(({ probe }) => probe !== undefined);
    const probe = { tcp: '10.0.0.1:30080', interval: '10s', timeout: '2s' };
    expect(probeOf()).toMatchObject({ status: 'critical', output: 'refused', probe });
    const said = probeOf();
    expect(await commit(rig, registerPool(rig, name, { known: rig.state(), tags: ['other'] }))).toEqual([done]);
    await rig.registry.refresh(rig.signal);
    expect(probeOf()).toEqual(said);
  });

  it('a probe that consul-esm writes meanwhile is not overwritten', async () => {
    const rig = await open();
    const name = `web-${rig.cluster}`;
    await commit(rig, ensureNode(rig, 'worker-1'), registerPool(rig, name, { probed: true }));
    const known = rig.state();
    await probeOnce(rig.stranger, rig.cluster, async () => ({ status: 'critical', output: 'refused' }));
    expect(await commit(rig, registerPool(rig, name, { known, port: 30_081, probed: true }))).toEqual([failed('CONSUL_CHANGED')]);
    await rig.registry.refresh(rig.signal);
    expect(rig.state().instances.get(poolKey('prod', name))).toMatchObject([{ port: 30_080 }]);
  });

  it('makes all instances of a pool critical at once, and passing again', async () => {
    const rig = await open();
    const name = `web-${rig.cluster}`;
    const nodes = ['worker-1', 'worker-2'];
    await commit(rig, ...nodes.map((node) => ensureNode(rig, node)));
    await commit(rig, registerPool(rig, name, { nodes }));
    const { set, ...action } = registerPool(rig, name, { nodes });
    const checks = set.map(({ consulNode, id }) => ({ consulNode, checkId: poolCheckId(action.pool, 'endpoints'), instanceId: id }));
    const down = { name: 'endpoints', service: name, status: 'critical' as const, notes: '', output: 'none is ready', modifyIndex: 0 };
    const passing = async () => (await rig.stranger('GET', `health/service/${name}?passing`)) as readonly unknown[];
    expect(await passing()).toHaveLength(2);
    expect(await commit(rig, { ...action, set: [], checks: checks.map((check) => ({ ...check, ...down })) })).toEqual([done]);
    expect(await passing()).toHaveLength(0);
    const removeChecks = [...rig.state().checks.values()].filter(({ checkId }) => checkId === poolCheckId(action.pool, 'endpoints'));
    expect(await commit(rig, { ...action, set: [], removeChecks })).toEqual([done]);
    expect(await passing()).toHaveLength(2);
  });
}
