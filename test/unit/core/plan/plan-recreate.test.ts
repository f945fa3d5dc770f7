import { describe, expect, it } from 'vitest';
import { wantedHash } from '../../../../src/core/desired/recreations.ts';
import { portsOf, withFormerNodePorts } from '../../../../src/core/desired/service-ports.ts';
import type { Action } from '../../../../src/core/model/action.ts';
import type { ObjectKey } from '../../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND } from '../../../../src/core/model/ids.ts';
import type { JsonObject, KubernetesObject, LiveObject, Spec } from '../../../../src/core/model/objects.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { specState } from '../../../../src/core/report/spec-state.ts';
import {
  complete,
  deployment,
  endpoints,
  keys,
  liveOf,
  MEMORY,
  NOW_MS,
  owned,
  service,
  spec,
  specSet,
  world,
} from '../../../support/builders.ts';
import { applyToWorld, planWorld, settle } from '../../../support/model-world.ts';

const WEB = 'apps/Deployment/default/web' as ObjectKey;
const RECREATE = { 'poolkeeper.dev/recreate': 'true' };

function workload(name: string, color: string, annotations: Record<string, string> = RECREATE): KubernetesObject {
  const labels = { app: 'web', color };
  const object = deployment(name, { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels } } });
  return { ...object, metadata: { ...object.metadata, annotations } };
}
const webService = (selector: Record<string, string>): KubernetesObject => service('web', { spec: { selector } });
const web = (color: string, ...more: readonly KubernetesObject[]): Spec =>
  spec('web.json', workload('web', color), webService({ app: 'web' }), ...more);
const OTHERS = ['api', 'shop'].map((name) => spec(`${name}.json`, deployment(name), service(name)));
const specsWith = (one: Spec): World['specs'] => complete(specSet([...OTHERS, one]));
const settled = (one: Spec): World =>
  settle(world({ specs: specsWith(one), endpoints: ['api', 'shop', 'web'].map((name) => endpoints(`default/${name}`)) })).world;

const deploymentsOf = (base: World): ReadonlyMap<ObjectKey, LiveObject> =>
  snapshotValue(base.cluster.objects.get(DEPLOYMENT_KIND) ?? complete(new Map<ObjectKey, LiveObject>())) ?? new Map();

/** The world with one live Deployment as `change` makes it; undefined takes it away. */
function withLive(base: World, key: ObjectKey, change: (live: LiveObject) => LiveObject | undefined): World {
  const deployments = new Map(deploymentsOf(base));
  const before = deployments.get(key);
  const after = before === undefined ? undefined : change(before);
  if (after === undefined) deployments.delete(key);
  else deployments.set(key, after);
  return { ...base, cluster: { ...base.cluster, objects: new Map([...base.cluster.objects, [DEPLOYMENT_KIND, complete(deployments)]]) } };
}

/** The plan for a world in which the change of the Deployment is known to be refused. */
function planRefused(base: World, one: Spec, more: Parameters<typeof planWorld>[1] = {}): ReturnType<typeof planWorld> {
  const wanted = one.objects.find(({ key }) => key === WEB);
  const live = deploymentsOf(base).get(WEB);
  if (wanted === undefined || live === undefined) throw new Error('there is no Deployment web');
  const refusal = { wantedHash: wantedHash(wanted), live, what: 'spec.selector is immutable' };
  return planWorld({ ...base, specs: specsWith(one) }, { ...more, immutable: new Map([[WEB, refusal]]) });
}

const brief = (actions: readonly Action[]): readonly string[] =>
  actions.map((action) => {
    if (action.kind === 'apply-object' || action.kind === 'delete-object') return `${action.kind} ${action.key}`;
    return action.kind === 'write-kv' ? `write-kv ${action.writes[0]?.key}` : `${action.kind} ${action.pool}`;
  });

describe('an object to be deleted and created again', () => {
  it('takes its pool out first, and nothing else of the spec is applied', () => {
    const base = settled(web('red'));
    const { actions, guarded } = planRefused(base, web('blue', workload('extra', 'red')));
    expect(brief(actions)).toEqual(['deregister-pool default/web']);
    const plan = guarded.plans.find(({ spec: id }) => id === 'web.json');
    if (plan === undefined) throw new Error('there is no plan');
    // Its spec does not leave: it comes back.
    expect(specState({ plan, open: plan.actions, problems: [], world: base })).toBe('changing');
    expect(plan.removals).toMatchObject([
      { key: 'pool:default/web', returns: true },
      { key: `object:${WEB}`, returns: true },
    ]);
  });

  it('takes the pool of a Service that selects only the pods of today', () => {
    const selecting = (color: string): Spec => spec('web.json', workload('web', color), webService({ color: 'red' }));
    const { actions } = planRefused(settled(selecting('red')), selecting('blue'));
    expect(brief(actions)).toEqual(['deregister-pool default/web']);
  });

  it('leaves a pool alone that other pods serve', () => {
    const other = (color: string): Spec => spec('web.json', workload('web', color), webService({ app: 'other' }));
    expect(brief(planRefused(settled(other('red')), other('blue')).actions)).toEqual([`delete-object ${WEB}`]);
  });

  it('drains in full where nobody remembers the pool in Consul', () => {
    const base = settled(web('red'));
    const registry = snapshotValue(base.registry);
    if (registry === undefined) throw new Error('there is no registry');
    const kv = new Map([...registry.kv].filter(([key]) => key !== keys.deployments('default/web')));
    const instances = new Map([...registry.instances].filter(([pool]) => pool !== 'default/web'));
    const lost = { ...base, registry: complete({ ...registry, kv, instances }) };
    const { actions } = planRefused(lost, web('blue'));
    expect(brief(actions)).toEqual([`write-kv ${keys.draining('default/web')}`]);
    const draining = { ...applyToWorld(lost, actions), specs: lost.specs };
    const options = { memory: MEMORY, nowMs: NOW_MS + 29_999 };
    expect(brief(planRefused(draining, web('blue'), options).actions)).toEqual([]);
    expect(brief(planRefused(draining, web('blue'), { ...options, nowMs: NOW_MS + 30_000 }).actions)).toEqual([`delete-object ${WEB}`]);
  });

  it('waits while it is being deleted, tells its finalizers, and keeps its pool out', () => {
    const out = applyToWorld(settled(web('red')), planRefused(settled(web('red')), web('blue')).actions);
    const going = withLive(out, WEB, (live) => ({ ...live, deleting: true, finalizers: ['example.com/slow'] }));
    const { actions, guarded } = planRefused(going, web('blue'), { nowMs: NOW_MS + 60_000 });
    expect(brief(actions)).toEqual([]);
    const plan = guarded.plans.find(({ spec: id }) => id === 'web.json');
    expect(plan?.waiting.map(({ what }) => what)).toContainEqual(
      expect.stringContaining('still being deleted (finalizers: example.com/slow)'),
    );
  });

  it('counts as removed until it is gone, finalizers and all', () => {
    const granted = { [`object:${WEB}`]: { atMs: NOW_MS } };
    const going = withLive(settled(web('red')), WEB, (live) => ({ ...live, deleting: true, finalizers: ['example.com/slow'] }));
    const { guarded } = planRefused(going, web('blue'), { memory: { ...MEMORY, removals: granted }, nowMs: NOW_MS + 60_000 });
    expect(guarded.memory.removals).toMatchObject(granted);
    const plan = guarded.plans.find(({ spec: id }) => id === 'web.json');
    expect(plan?.removals.find(({ kind }) => kind === 'object')).toMatchObject({ key: `object:${WEB}`, returns: true });
    expect(plan?.waiting.filter(({ what }) => what.includes('still being deleted'))).toHaveLength(1);
  });

  it('is created again, whatever its wave or its spec would have to wait for by now', () => {
    const blue = workload('web', 'blue', { ...RECREATE, 'poolkeeper.dev/wave': '1', 'poolkeeper.dev/depends-on': 'api.json' });
    const one = spec('web.json', deployment('first'), blue, webService({ app: 'web' }));
    const base = settled(spec('web.json', deployment('first'), workload('web', 'red'), webService({ app: 'web' })));
    const rolling = { generation: 1, status: { observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 1 } };
    const failing = ['first', 'api'].reduce(
      (now, name) => withLive(now, `apps/Deployment/default/${name}` as ObjectKey, (live) => ({ ...live, ...rolling })),
      base,
    );
    const wanted = one.objects.find(({ key }) => key === WEB);
    const live = deploymentsOf(base).get(WEB);
    if (wanted === undefined || live === undefined) throw new Error('there is no Deployment web');
    const gone = { ...withLive(failing, WEB, () => undefined), specs: specsWith(one) };
    const immutable = new Map([[WEB, { wantedHash: wantedHash(wanted), live, what: 'x' }]]);
    expect(brief(planWorld(gone).actions)).not.toContain(`apply-object ${WEB}`);
    expect(brief(planWorld(gone, { immutable }).actions)).toContain(`apply-object ${WEB}`);
  });

  it.each<readonly [string, (live: LiveObject) => LiveObject]>([
    ['somebody has put another one there', (live) => ({ ...live, uid: 'another' })],
    ['it is ours no more beyond doubt', (live) => ({ ...live, annotations: {} })],
    ['it is to stay in the cluster', (live) => ({ ...live, annotations: { ...live.annotations, 'poolkeeper.dev/prune': 'false' } })],
  ])('stays when %s', (_, change) => {
    const base = settled(web('red'));
    const live = deploymentsOf(base).get(WEB);
    const blue = web('blue');
    const wanted = blue.objects.find(({ key }) => key === WEB);
    if (live === undefined || wanted === undefined) throw new Error('there is no Deployment web');
    const immutable = new Map([[WEB, { wantedHash: wantedHash(wanted), live, what: 'x' }]]);
    const { actions } = planWorld({ ...withLive(base, WEB, change), specs: specsWith(blue) }, { immutable });
    expect(brief(actions).filter((line) => line.startsWith('delete') || line.startsWith('deregister'))).toEqual([]);
  });

  it('stays when something else of the spec is refused, and the pool with it', () => {
    const stranger = liveOf(deployment('extra'), { key: 'apps/Deployment/default/extra' as ObjectKey });
    const { ourFields: _ours, ...foreign } = stranger;
    const base = settled(web('red'));
    const objects = new Map([[DEPLOYMENT_KIND, complete(new Map([...deploymentsOf(base), [foreign.key, foreign]]))]]);
    const { actions } = planRefused({ ...base, cluster: { ...base.cluster, objects } }, web('blue', deployment('extra')));
    expect(brief(actions)).toEqual([]);
  });

  it('stays while its wave must wait', () => {
    const late = { ...RECREATE, 'poolkeeper.dev/wave': '1' };
    const waved = (color: string, replicas: number): Spec => {
      const first = deployment('first', { replicas });
      return spec('web.json', first, workload('web', color, late), webService({ app: 'web' }));
    };
    const { actions } = planRefused(settled(waved('red', 1)), waved('blue', 2));
    expect(brief(actions)).toEqual(['apply-object apps/Deployment/default/first']);
  });

  it('says with the change that it may be, only where the spec allows it and the object is ours', () => {
    const changed = (annotations: Record<string, string>, base = settled(web('red'))): unknown => {
      const blue = spec('web.json', workload('web', 'blue', annotations), webService({ app: 'web' }));
      return planWorld({ ...base, specs: specsWith(blue) }).actions.flatMap((action) =>
        action.kind === 'apply-object' && action.key === WEB ? [action.recreate] : [],
      );
    };
    expect(changed(RECREATE)).toEqual([true]);
    expect(changed({ 'poolkeeper.dev/recreate': 'false' })).toEqual([undefined]);
    expect(
      changed(
        RECREATE,
        withLive(settled(web('red')), WEB, (live) => ({ ...live, annotations: {} })),
      ),
    ).toEqual([undefined]);
  });
});

describe('coming back', () => {
  const statusOf =
    (status: JsonObject | undefined, more: Partial<LiveObject> = {}) =>
    (live: LiveObject): LiveObject => ({ ...live, ...(status === undefined ? {} : { status }), ...more });
  /** A world in which the pool is out of Consul and its endpoints are ready. */
  const out = (one: Spec): World => {
    const base = settled(one);
    return applyToWorld(base, planRefused(base, web('blue')).actions);
  };

  it.each<readonly [string, (live: LiveObject) => LiveObject | undefined, boolean]>([
    ['the Deployment is not there yet: the ready pods are the old ones', () => undefined, false],
    ['its controller has not looked at it', statusOf({}), false],
    ['its own pods are not ready', statusOf({ replicas: 2, readyReplicas: 0 }), false],
    ['it is being deleted', statusOf({ readyReplicas: 2 }, { deleting: true }), false],
    ['a pod of its own is ready', statusOf({ readyReplicas: 1 }), true],
    ['nobody has looked at its status', statusOf(undefined), true],
    ['it is scaled to nothing, so others serve', (live) => ({ ...live, status: {}, spec: { ...live.spec, replicas: 0 } }), true],
  ])('a pool whose endpoints are ready, when %s: %s', (_, change, enters) => {
    const { actions } = planWorld(withLive(out(web('red')), WEB, change));
    expect(brief(actions).includes('register-pool default/web')).toBe(enters);
  });

  it('waits also for what its Service is only about to select', () => {
    const colored = (color: string): Spec => spec('web.json', workload('web', color), webService({ color }));
    const base = settled(colored('red'));
    const left = applyToWorld(base, planRefused(base, colored('blue')).actions);
    const { actions } = planWorld({ ...withLive(left, WEB, () => undefined), specs: specsWith(colored('blue')) });
    expect(brief(actions)).toEqual([`apply-object ${WEB}`, 'apply-object /Service/default/web']);
  });

  it('does not wait for one workload while another one that the Service selects is ready', () => {
    const two = web('red', workload('green', 'green', {}));
    const ready = withLive(out(two), 'apps/Deployment/default/green' as ObjectKey, statusOf({ readyReplicas: 1 }));
    const { actions } = planWorld(withLive(ready, WEB, statusOf({ readyReplicas: 0 })));
    expect(brief(actions)).toContain('register-pool default/web');
  });

  it('never waits without the annotation', () => {
    const plain = spec('web.json', workload('web', 'red', {}), webService({ app: 'web' }));
    const { actions } = planWorld({ ...withLive(out(web('red')), WEB, statusOf({})), specs: specsWith(plain) });
    expect(brief(actions)).toContain('register-pool default/web');
  });

  it('says what it waits for', () => {
    const { guarded } = planWorld(withLive(out(web('red')), WEB, statusOf({})));
    const plan = guarded.plans.find(({ spec: id }) => id === 'web.json');
    expect(plan?.waiting).toContainEqual({ leg: 'kubernetes', what: 'Deployment default/web has no ready pod yet', on: 'default/web' });
  });
});

describe('withFormerNodePorts', () => {
  const ports = (...list: readonly object[]): KubernetesObject => service('web', { spec: { ports: list } });
  const former = owned(ports({ name: 'http', port: 80, nodePort: 30_080 }, { name: 'admin', port: 81, nodePort: 30_081 }), 'web.json');
  const nodePortsOf = (object: KubernetesObject): readonly unknown[] =>
    portsOf(object['spec'] as JsonObject).map(({ nodePort }) => nodePort);

  it('asks for them entry by entry, told apart by port and protocol', () => {
    const wanted = ports({ name: 'admin', port: 81 }, { name: 'web', port: 80 }, { name: 'udp', port: 80, protocol: 'UDP' });
    expect(nodePortsOf(withFormerNodePorts(wanted, former))).toEqual([30_081, 30_080, undefined]);
  });

  it('takes the word of the spec, also where another entry had that NodePort', () => {
    expect(nodePortsOf(withFormerNodePorts(ports({ port: 80, nodePort: 30_081 }, { port: 81 }), former))).toEqual([30_081, undefined]);
  });

  it('changes nothing of another type', () => {
    const inner = service('web', { spec: { type: 'ClusterIP' } });
    expect(withFormerNodePorts(inner, former)).toBe(inner);
    expect(withFormerNodePorts(ports({ port: 80 }), undefined)).toEqual(ports({ port: 80 }));
  });
});
