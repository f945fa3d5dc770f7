import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterAction, RegistryAction } from '../../../src/core/model/action.ts';
import type { ObjectKey } from '../../../src/core/model/ids.ts';
import { DEPLOYMENT_KIND } from '../../../src/core/model/ids.ts';
import type { KubernetesObject, LiveObject, Spec } from '../../../src/core/model/objects.ts';
import type { Policy } from '../../../src/core/model/policy.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import type { Problem } from '../../../src/shared/problem.ts';
import { problem } from '../../../src/shared/problem.ts';
import { complete, deployment, endpoints, keys, POLICY, service, spec, specSet, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;
const APPS = [...NAMES, 'a2', 'b2', 'c2', 'd2'];

/** What one file holds; `second` renames its objects. */
interface File {
  readonly second: boolean;
  readonly color: string;
  readonly replicas: number;
  readonly wave: number;
  readonly dependsOn: string | undefined;
  readonly recreate: boolean;
  readonly tag: string;
  readonly type: string;
  readonly register: boolean;
}
const PLAIN: File = {
  second: false,
  color: 'red',
  replicas: 1,
  wave: 0,
  dependsOn: undefined,
  recreate: true,
  tag: 'x',
  type: 'NodePort',
  register: true,
};

type Happening =
  | { readonly kind: 'edit'; readonly name: string; readonly change: Partial<File> }
  | { readonly kind: 'refuse'; readonly key: string; readonly refused: boolean }
  | { readonly kind: 'run'; readonly seconds: number };

const change: fc.Arbitrary<Partial<File>> = fc.oneof(
  fc.record({ second: fc.boolean() }),
  fc.record({ color: fc.constantFrom('red', 'blue') }),
  fc.record({ replicas: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ wave: fc.integer({ min: -1, max: 1 }) }),
  fc.record({ dependsOn: fc.option(fc.constantFrom('a.json', 'nowhere.json'), { nil: undefined }) }),
  fc.record({ recreate: fc.boolean() }),
  fc.record({ tag: fc.constantFrom('x', 'y') }),
  fc.record({ type: fc.constantFrom('NodePort', 'NodePort', 'ClusterIP') }),
  fc.record({ register: fc.boolean() }),
);
const kind = <K extends Happening['kind']>(value: K): fc.Arbitrary<K> => fc.constant(value);
const key = fc.tuple(fc.constantFrom('apps/Deployment', '/Service'), fc.constantFrom(...APPS)).map(([of, name]) => `${of}/default/${name}`);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: kind('edit'), name: fc.constantFrom(...NAMES), change }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('refuse'), key, refused: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('run'), seconds: fc.constantFrom(1, 31, 400) }) },
);

function specOf(file: string, one: File): Spec {
  const name = one.second ? `${file}2` : file;
  const labels = { app: name, color: one.color };
  const annotations = {
    'poolkeeper.dev/wave': String(one.wave),
    ...(one.recreate ? { 'poolkeeper.dev/recreate': 'true' } : {}),
    ...(one.dependsOn === undefined || one.dependsOn === `${file}.json` ? {} : { 'poolkeeper.dev/depends-on': one.dependsOn }),
  };
  const workload = deployment(name, { replicas: one.replicas, selector: { matchLabels: labels }, template: { metadata: { labels } } });
  const told = { tags: one.tag, ...(one.register ? {} : { 'poolkeeper.dev/register': 'false' }) };
  return spec(
    `${file}.json`,
    { ...workload, metadata: { ...workload.metadata, annotations } },
    service(name, { annotations: told, spec: { type: one.type } }),
  );
}

/** Limits that hold nothing: what the guard does is not looked at here. */
const GENEROUS = {
  ...POLICY,
  guard: { windowMs: 600_000, maxRemovedPools: { kind: 'number', value: 9 }, maxRemovedObjects: { kind: 'number', value: 99 } },
} as const;

/** A site whose API server refuses what it is told to, and what is immutable. */
class Site {
  readonly fake = new FakeSite(world({ endpoints: APPS.concat('rest').map((name) => endpoints(`default/${name}`)) }));
  readonly files = new Map<string, File>(NAMES.map((name) => [name, PLAIN]));
  readonly refused = new Set<string>();
  readonly policy: Policy;

  constructor(policy: Policy) {
    this.policy = policy;
    this.fake.refuse = (action) => this.#refuse(action);
    this.fake.before = (action) => this.#expectDrained(action);
  }

  async run(seconds: number): Promise<void> {
    this.fake.nowMs += seconds * 1000;
    const specs = [...this.files].map(([name, file]) => specOf(name, file));
    const set = specSet([...specs, spec('rest.json', deployment('rest'), service('rest'))]);
    this.#last = JSON.stringify([...this.files]) === this.#said ? this.#last : complete(set);
    this.#said = JSON.stringify([...this.files]);
    this.fake.commit(this.#last ?? complete(set));
    await this.fake.run({ policy: this.policy });
  }
  #last: ReturnType<typeof complete<ReturnType<typeof specSet>>> | undefined;
  #said = '';

  registered(): readonly string[] {
    return [...(snapshotValue(this.fake.world.registry)?.instances.keys() ?? [])].sort();
  }

  live(of: ObjectKey): LiveObject | undefined {
    const deployments = this.fake.world.cluster.objects.get(DEPLOYMENT_KIND);
    return (
      snapshotValue(this.fake.world.cluster.services)?.get(of) ??
      (deployments === undefined ? undefined : snapshotValue(deployments)?.get(of))
    );
  }

  #refuse(action: ClusterAction | RegistryAction): Problem | undefined {
    if (action.kind !== 'apply-object') return undefined;
    if (this.refused.has(action.key)) return problem('KUBERNETES_REFUSED', `${action.key} would not do`);
    const selector = (object: Pick<KubernetesObject, string> | LiveObject | undefined): string =>
      JSON.stringify((object as { spec?: { selector?: unknown } } | undefined)?.spec?.selector);
    if (action.existing === undefined || action.object.kind !== 'Deployment') return undefined;
    const isSame = selector(this.live(action.key)) === selector(action.object);
    return isSame ? undefined : problem('KUBERNETES_IMMUTABLE', 'spec.selector is immutable', { fields: ['spec.selector'] });
  }

  #expectDrained(action: ClusterAction | RegistryAction): void {
    if (action.kind !== 'delete-object') return;
    expect(this.registered()).not.toContain(`default/${action.key.split('/').at(-1) ?? ''}`);
  }
}

describe('whatever is refused', () => {
  it('nothing is written again and again, and everything comes to rest once it is taken', async () => {
    const policy = fc.record({ dryRun: fc.boolean(), registration: fc.constantFrom<Policy['registration']>('both', 'kv') });
    await fc.assert(
      fc.asyncProperty(policy, fc.array(happening, { minLength: 3, maxLength: 16 }), async (more, events) => {
        const site = new Site({ ...GENEROUS, ...more });
        await site.run(0);
        await site.run(1);
        for (const event of events) {
          const file = event.kind === 'edit' ? site.files.get(event.name) : undefined;
          if (event.kind === 'run') await site.run(event.seconds);
          else if (event.kind === 'refuse') site.refused[event.refused ? 'add' : 'delete'](event.key);
          else if (file !== undefined) site.files.set(event.name, { ...file, ...event.change });
        }
        for (let i = 0; i < 16; i++) await site.run(40);
        site.fake.takeJournal();
        for (let i = 0; i < 16; i++) await site.run(40);
        expect(site.fake.takeJournal().filter((line) => !line.startsWith('apply-object'))).toEqual([]);

        site.refused.clear();
        for (const [name, file] of site.files) site.files.set(name, { ...file, recreate: true, dependsOn: undefined });
        for (let i = 0; i < 30; i++) await site.run(40);
        site.fake.takeJournal();
        await site.run(40);
        expect(site.fake.takeJournal()).toEqual([]);
        if (more.registration === 'kv') return;
        const wanted = [...site.files].flatMap(([name, file]) =>
          file.type === 'NodePort' && file.register ? [keys.pool(file.second ? `${name}2` : name)] : [],
        );
        expect(site.registered()).toEqual([...wanted, 'default/rest'].sort());
      }),
      { numRuns: 60 },
    );
  });
});
