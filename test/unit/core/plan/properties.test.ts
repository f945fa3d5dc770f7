import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolCheckKind } from '../../../../src/core/model/consul-names.ts';
import type { PoolKey } from '../../../../src/core/model/ids.ts';
import { nodeName, specId } from '../../../../src/core/model/ids.ts';
import { DRAIN_ANNOTATION } from '../../../../src/core/model/nodes.ts';
import type { LiveObject } from '../../../../src/core/model/objects.ts';
import type { RegisteredCheck, RegistryState } from '../../../../src/core/model/registration.ts';
import type { HealthMode } from '../../../../src/core/model/settings.ts';
import { keys, liveOf, node, service } from '../../../support/builders.ts';
import { agentInstance, registeredBy, toldIn } from '../../../support/simulated-agents.ts';
import type { AppSpec, Files } from '../../../support/simulated-app.ts';
import { fileOf } from '../../../support/simulated-app.ts';
import type { Source } from '../../../support/simulation.ts';
import { Simulation, SOURCES } from '../../../support/simulation.ts';

const NAMES: readonly string[] = ['a', 'b', 'c', 'd', 'e'];
const name = fc.constantFrom(...NAMES);
const file = fc.oneof(
  { weight: 4, arbitrary: name.map(fileOf) },
  { weight: 1, arbitrary: fc.constantFrom('x/moved.json', 'z.json').map(specId) },
);
const tag = fc.constantFrom('blue', 'green', 'red');
const nodePort = fc.integer({ min: 1, max: 3 });
/** No two Services ask for one NodePort: what the API server says to that is not what is looked at here. */
const numbered = ({ nodePort: wish, ...rest }: AppSpec): AppSpec => ({
  ...rest,
  ...(wish === undefined ? {} : { nodePort: 31_000 + 10 * NAMES.indexOf(rest.name) + (wish % 10) }),
});
const app = fc.record({ name, tag, replicas: fc.constant(1), register: fc.constant(true), local: fc.boolean() });

type NodeChange = 'ready' | 'not-ready' | 'cordoned' | 'gone' | 'readdressed' | 'drained';
const MEDDLINGS = ['instance', 'tags', 'check', 'checks', 'drains', 'object', 'workload', 'marks', 'stranger'] as const;
/** What an agent on a node does: registers the application by itself, leaves, or follows its entry under `deployments/`. */
type AgentChange = 'comes' | 'goes' | 'follows';
type Meddling = (typeof MEDDLINGS)[number];

/** One thing that happens; plain data, so that a counterexample can be read. */
type Happening =
  | { readonly kind: 'commit'; readonly file: ReturnType<typeof fileOf>; readonly app: AppSpec | 'broken' | 'gone' }
  | { readonly kind: 'edit'; readonly file: ReturnType<typeof fileOf>; readonly change: Partial<AppSpec> }
  | { readonly kind: 'rename'; readonly from: ReturnType<typeof fileOf>; readonly to: ReturnType<typeof fileOf> }
  | { readonly kind: 'node'; readonly i: number; readonly to: NodeChange }
  | { readonly kind: 'pods'; readonly name: string; readonly ready: boolean }
  | { readonly kind: 'outage'; readonly source: Source; readonly as: 'stale' | 'unavailable' | 'over' }
  | { readonly kind: 'time'; readonly seconds: number }
  | { readonly kind: 'meddle'; readonly with: Meddling; readonly name: string }
  | { readonly kind: 'agent'; readonly i: number; readonly name: string; readonly to: AgentChange }
  | { readonly kind: 'run'; readonly crashAfter: number };

const kind = <K extends Happening['kind']>(value: K): fc.Arbitrary<K> => fc.constant(value);
const change: fc.Arbitrary<Partial<AppSpec>> = fc.oneof(
  fc.record({ tag }),
  fc.record({ nodePort: fc.option(nodePort, { nil: undefined }) }),
  fc.record({ replicas: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ register: fc.boolean() }),
  fc.record({ local: fc.boolean() }),
  fc.record({ health: fc.constantFrom<HealthMode>('node', 'endpoints', 'esm') }),
  fc.record({ serviceName: fc.option(fc.constantFrom('shared', 'a'), { nil: undefined }) }),
);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('commit'), file, app: fc.oneof(app, fc.constantFrom<'broken' | 'gone'>('broken', 'gone')) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('commit'), file, app: fc.constant<'gone'>('gone') }) },
  { weight: 6, arbitrary: fc.record({ kind: kind('edit'), file, change }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('rename'), from: file, to: file }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind('node'),
      i: fc.integer({ min: 1, max: 4 }),
      to: fc.constantFrom<NodeChange>('ready', 'not-ready', 'cordoned', 'gone', 'readdressed', 'drained'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('pods'), name, ready: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind('outage'),
      source: fc.constantFrom(...SOURCES),
      as: fc.constantFrom<'stale' | 'unavailable' | 'over'>('stale', 'unavailable', 'over'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('time'), seconds: fc.constantFrom(1, 15, 31, 700) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('meddle'),
      with: fc.constantFrom(...MEDDLINGS),
      name,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('agent'),
      i: fc.integer({ min: 1, max: 4 }),
      name,
      to: fc.constantFrom<AgentChange>('comes', 'goes', 'follows'),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: kind('run'), crashAfter: fc.constantFrom(0, 1, 2, 3, 100, 100, 100) }) },
);

function happen(site: Simulation, event: Happening): void {
  if (event.kind === 'node') changeNode(site, event.i, event.to);
  else if (event.kind === 'meddle') meddle(site, event.with, event.name);
  else if (event.kind === 'agent') changeAgent(site, event);
  else if (event.kind === 'run') site.run(event.crashAfter);
  else if (event.kind === 'time') site.nowMs += event.seconds * 1000;
  else if (event.kind === 'pods') site.unready[event.ready ? 'delete' : 'add'](event.name);
  else if (event.kind === 'outage' && event.as === 'over') site.mend(event.source);
  else if (event.kind === 'outage') site.fail(event.source, event.as === 'over' ? 'stale' : event.as);
  else site.change((files) => commit(files, event));
}

function commit(files: Files, event: Happening & { readonly kind: 'commit' | 'edit' | 'rename' }): void {
  const old = files.get(event.kind === 'rename' ? event.from : event.file);
  if (event.kind === 'commit') {
    if (event.app === 'gone') files.delete(event.file);
    else files.set(event.file, event.app);
  } else if (event.kind === 'edit') {
    if (old !== undefined && old !== 'broken') files.set(event.file, numbered({ ...old, ...event.change }));
  } else if (old !== undefined) {
    files.delete(event.from);
    files.set(event.to, old);
  }
}

function changeNode(site: Simulation, i: number, to: NodeChange): void {
  const others = site.nodes.filter((one) => one.name !== nodeName(`n${i}`));
  const change = {
    ready: { readyChangedAtMs: site.nowMs },
    'not-ready': { ready: false, readyChangedAtMs: site.nowMs },
    cordoned: { unschedulable: true },
    drained: { annotations: { [DRAIN_ANNOTATION]: 'true' } },
    readdressed: { addresses: [{ type: 'InternalIP', address: `10.7.0.${i}` }] },
  };
  site.nodes = to === 'gone' ? others : [...others, node(`n${i}`, change[to])];
}

function changeAgent(site: Simulation, { i, name: of, to }: Happening & { readonly kind: 'agent' }): void {
  const registry = site.registry();
  const on = site.nodes.find((one) => one.name === nodeName(`n${i}`)) ?? node(`n${i}`);
  const agents = [...(registry.agents?.values() ?? [])].flat();
  const others = agents.filter(({ consulNode, service: its }) => consulNode !== on.name || its !== of);
  const told = toldIn(site.truth, of);
  const stands = others.length < agents.length;
  const isThere = to === 'comes' || (to === 'follows' && (told?.nodes === undefined ? stands : told.nodes.includes(on.name)));
  const its = agentInstance(on, { id: of, service: of, port: told?.port ?? 30_000, tags: told?.tags ?? ['blue'] });
  site.meddle({ registry: registeredBy(registry, isThere ? [...others, its] : others) });
}

function meddle(site: Simulation, how: Meddling, of: string): void {
  const registry = site.registry();
  const live = [...site.live().values()];
  const isIt = ({ kind: its, name: called }: LiveObject): boolean =>
    its === (how === 'workload' ? 'Deployment' : 'Service') && called === of;
  if (how === 'stranger' && !live.some(isIt)) {
    const { ourFields: _none, ...stranger } = liveOf(service(of));
    site.meddle({ objects: [...live, stranger] });
  } else if (how === 'object' || how === 'workload') site.meddle({ objects: live.filter((object) => !isIt(object)) });
  else if (how === 'marks')
    site.meddle({ objects: live.map((object) => (isIt(object) && object.ourFields !== undefined ? unmarked(object) : object)) });
  else if (how === 'drains') site.forgetDrains();
  else if (how === 'checks') site.meddle({ registry: { ...registry, checks: new Map() } });
  else site.meddle({ registry: meddled(registry, how, keys.pool(of)) });
}

/** The catalog with one instance of a pool taken out, with its checks, or without these only, or with other tags. */
function meddled(registry: RegistryState, how: Meddling, pool: PoolKey): RegistryState {
  const [first, ...rest] = registry.instances.get(pool) ?? [];
  if (first === undefined) return registry;
  const isIts = ({ consulNode, instanceId }: RegisteredCheck): boolean => consulNode === first.consulNode && instanceId === first.id;
  const checks = new Map([...registry.checks].filter(([, check]) => !isIts(check)));
  if (how === 'check') return { ...registry, checks };
  const others = [...registry.instances].filter(([key]) => key !== pool);
  if (how !== 'instance') return { ...registry, instances: new Map([...others, [pool, [{ ...first, tags: ['theirs'] }, ...rest]]]) };
  return { ...registry, checks, instances: new Map(rest.length === 0 ? others : [...others, [pool, rest]]) };
}

/** Somebody has stripped our id from an object. */
function unmarked(object: LiveObject): LiveObject {
  const { 'poolkeeper.dev/id': _id, ...annotations } = object.annotations;
  const fields = object.ourFields?.['f:metadata']?.['f:annotations'] ?? {};
  const { 'f:poolkeeper.dev/id': _field, ...kept } = fields;
  const metadata = { ...object.ourFields?.['f:metadata'], 'f:annotations': kept };
  return { ...object, annotations, ourFields: { ...object.ourFields, 'f:metadata': metadata } };
}

/** So many applications in step; the first one is registered by the agents of so many nodes. */
function settledSite(count: number, agents: number): Simulation {
  const site = new Simulation();
  site.change((files) => {
    for (const one of NAMES.slice(0, count)) files.set(fileOf(one), { name: one, tag: 'blue', replicas: 1, register: true, local: false });
  });
  for (let i = 1; i <= agents; i++) changeAgent(site, { kind: 'agent', i, name: 'a', to: 'comes' });
  site.run();
  return site;
}

describe('whatever happens', () => {
  it('no write breaks a promise, and everything comes to rest when the world lets it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.nat(2),
        fc.array(happening, { minLength: 3, maxLength: 30 }),
        (count, agents, events) => {
          const site = settledSite(count, agents);
          for (const event of events) {
            happen(site, event);
            expect(site.violations).toEqual([]);
          }
          for (const source of SOURCES) site.mend(source);
          site.unready.clear();
          site.meddle({ registry: registeredBy(site.registry(), []) });
          for (let i = 0; i < 12; i++) {
            site.run();
            site.nowMs += i % 3 === 2 ? 660_000 : 35_000;
          }
          expect(site.violations).toEqual([]);
          const plan = site.plan();
          expect(site.open(plan)).toEqual([]);
          expect(plan.guarded.memory).toBe(site.memory);
          expectServed(site);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** At rest, every spec that decoded and is in no conflict is served by every node that may, under its tags. */
function expectServed(site: Simulation): void {
  const plan = site.plan();
  for (const one of plan.guarded.plans) {
    if (one.standing !== 'decoded' || one.problems.some(({ severity }) => severity === 'error')) continue;
    const said = site.files.get(one.spec);
    if (said === undefined || said === 'broken') throw new Error(`${one.spec} is no spec`);
    const pool = keys.pool(said.name);
    const instances = site.registry().instances.get(pool) ?? [];
    const held = one.holds.length > 0;
    if (!said.register) {
      expect([pool, held ? 'held' : instances.length]).toEqual([pool, held ? 'held' : 0]);
      continue;
    }
    const decision = plan.context.decisions.get(pool);
    expect(instances.map((instance) => instance.node).sort()).toEqual(decision?.backends.map((backend) => backend.node).sort());
    for (const instance of instances) expect([pool, instance.tags.includes(said.tag)]).toEqual([pool, true]);
    expect([pool, healthChecksOf(pool, site.registry())]).toEqual([pool, said.health === 'esm' ? instances.map(() => 'esm') : []]);
  }
}

/** What the checks on the instances of a pool are for, but for the pool's own. */
const healthChecksOf = (pool: PoolKey, { checks }: RegistryState): readonly (string | undefined)[] =>
  [...checks.values()].map(({ checkId }) => poolCheckKind(pool, checkId)).filter((of) => of !== undefined && of !== 'pool');
