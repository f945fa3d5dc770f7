import { describe, expect, it } from 'vitest';
import type { NodeName } from '../../../src/core/model/ids.ts';
import { nodeName } from '../../../src/core/model/ids.ts';
import type { NodeProbe, ProbeTarget } from '../../../src/core/model/ports.ts';
import type { SpecFiles } from '../../../src/core/model/spec-set.ts';
import { Engine } from '../../../src/run/engine.ts';
import { SpecPoller } from '../../../src/run/spec-poller.ts';
import { complete, deployment, endpoints, node, POLICY, service, spec, specSet, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';
import { settle } from '../../support/model-world.ts';

const signal = new AbortController().signal;
const set = specSet([spec('web.json', deployment('web'), service('web'))]);

/** A probe that answers what the test says. */
class FakeProbe implements NodeProbe {
  wanted: readonly ProbeTarget[] = [];
  answers: ReadonlyMap<NodeName, boolean> = new Map();
  want(targets: readonly ProbeTarget[]): void {
    this.wanted = targets;
  }
  state(): ReadonlyMap<NodeName, boolean> {
    return this.answers;
  }
  changed(): () => void {
    return () => undefined;
  }
}

async function rig(): Promise<{ readonly site: FakeSite; readonly probe: FakeProbe; readonly engine: Engine }> {
  const site = new FakeSite(settle(world({ specs: complete(set), endpoints: [endpoints('default/web')] })).world);
  const probe = new FakeProbe();
  const clock = { now: () => site.nowMs, random: () => 0.5 };
  const poller = new SpecPoller({ read: async () => complete({ problems: [] } as unknown as SpecFiles) }, () => set, clock);
  await poller.poll('', signal);
  const engine = new Engine({ ports: site.ports(), policy: POLICY, clock, poller, probe, dryRun: false });
  return { site, probe, engine };
}
const withNodes = (site: FakeSite, ...ready: readonly boolean[]): void => {
  const nodes = complete(ready.map((is, i) => node(`n${i + 1}`, { ready: is })));
  site.world = { ...site.world, cluster: { ...site.world.cluster, nodes } };
};

describe('the engine and its probe of nodes', () => {
  it('has nodes tried while most are NotReady, lets those go that do not answer, and then rests', async () => {
    const { site, probe, engine } = await rig();
    const backends = async (): Promise<readonly (readonly [string, boolean, string])[]> => {
      const { report } = await engine.run(['nodes'], signal);
      return (report.pools[0]?.decisions ?? []).map((one) => [one.node, one.in, one.code] as const);
    };
    await backends();
    expect(probe.wanted).toEqual([]);
    withNodes(site, true, false, false);
    expect(await backends()).toEqual([
      ['n1', true, 'ready'],
      ['n2', true, 'kept-mass-not-ready'],
      ['n3', true, 'kept-mass-not-ready'],
    ]);
    expect(probe.wanted.map((target) => target.node)).toEqual(['n1', 'n2', 'n3']);
    probe.answers = new Map([
      [nodeName('n1'), true],
      [nodeName('n2'), true],
      [nodeName('n3'), false],
    ]);
    expect(await backends()).toEqual([
      ['n1', true, 'ready'],
      ['n2', true, 'kept-mass-not-ready'],
      ['n3', false, 'not-ready'],
    ]);
    expect(probe.wanted.map((target) => target.node)).toEqual(['n1', 'n2']);
    withNodes(site, true, true, true);
    await backends();
    expect(probe.wanted).toEqual([]);
  });

  it('has nothing tried by a standby', async () => {
    const { site, probe, engine } = await rig();
    withNodes(site, false, false, false);
    site.leases.consul.held = false;
    site.leases.kubernetes.held = false;
    await engine.run(['nodes'], signal);
    expect(probe.wanted).toEqual([]);
  });
});
