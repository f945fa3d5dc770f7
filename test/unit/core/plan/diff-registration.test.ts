import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { poolCheckId } from '../../../../src/core/model/consul-names.ts';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { Check, Instance, RegisteredCheck, RegisteredInstance } from '../../../../src/core/model/registration.ts';
import type { Registered, RegistrationDiff } from '../../../../src/core/plan/diff-registration.ts';
import { diffRegistration, firstStep, operationsOf } from '../../../../src/core/plan/diff-registration.ts';
import { keys } from '../../../support/builders.ts';

const POOL = keys.pool('web');
const NOTHING: Registered = { instances: [], checks: [] };

interface Shape {
  readonly tags?: readonly string[];
  readonly port?: number;
  readonly service?: string;
  readonly id?: string;
}
const instance = (i: number, { tags = ['a'], port = 30_080, service = 'web', id = '' }: Shape = {}): Instance => ({
  consulNode: `k8s-c1-n${i}`,
  node: nodeName(`n${i}`),
  id: `${service}${id}-${i}`,
  service,
  address: `10.0.0.${i}`,
  port,
  tags,
  meta: { 'k8s-node': `n${i}`, hash: tags.join() },
});
const checkOn = (first: Instance | undefined, notes: string): Check | undefined =>
  first && {
    consulNode: first.consulNode,
    checkId: poolCheckId(POOL),
    name: 'pool',
    instanceId: first.id,
    service: first.service,
    status: 'passing',
    notes,
    output: '',
  };
const stored = (one: Instance): RegisteredInstance => ({ ...one, pool: POOL, modifyIndex: 7 });
const range = (from: number, to: number): readonly number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
const pool = (numbers: readonly number[], shape: Shape = {}): { instances: readonly Instance[]; check: Check | undefined } => {
  const instances = numbers.map((i) => instance(i, shape));
  return { instances, check: checkOn(instances[0], JSON.stringify([numbers, shape])) };
};
const registered = (numbers: readonly number[], shape: Shape = {}): Registered => {
  const { instances, check } = pool(numbers, shape);
  return { instances: instances.map(stored), checks: check === undefined ? [] : [{ ...check, modifyIndex: 7 }] };
};
const diff = (wanted: ReturnType<typeof pool>, before: Registered): RegistrationDiff =>
  diffRegistration(wanted.instances, wanted.check === undefined ? [] : [wanted.check], before);
const brief = (one: RegistrationDiff): unknown => ({
  set: one.set.map(({ node, modifyIndex }) => `${node}@${modifyIndex}`),
  remove: one.remove.map(({ consulNode, modifyIndex }) => `${consulNode}@${modifyIndex}`),
  checks: one.checks.map(({ consulNode, modifyIndex }) => `${consulNode}@${modifyIndex}`),
  removeChecks: one.removeChecks.map(({ consulNode }) => consulNode),
  changes: one.changes,
});

describe('diffRegistration', () => {
  it.each<readonly [string, ReturnType<typeof pool>, Registered, unknown]>([
    ['nothing', pool([1, 2]), registered([1, 2]), { set: [], remove: [], checks: [], removeChecks: [], changes: [] }],
    [
      'a new pool',
      pool([1, 2]),
      NOTHING,
      { set: ['n1@0', 'n2@0'], remove: [], checks: ['k8s-c1-n1@0'], removeChecks: [], changes: ['+n1', '+n2'] },
    ],
    [
      'new tags',
      pool([1], { tags: ['b'] }),
      registered([1]),
      { set: ['n1@7'], remove: [], checks: ['k8s-c1-n1@7'], removeChecks: [], changes: ['-tag a', '+tag b'] },
    ],
    [
      'new tags with a secret',
      pool([1], { tags: ['traefik.frontend.auth.basic.users=bob:s3cret'] }),
      registered([1]),
      {
        set: ['n1@7'],
        remove: [],
        checks: ['k8s-c1-n1@7'],
        removeChecks: [],
        changes: ['-tag a', '+tag traefik.frontend.auth.basic.users=[redacted]'],
      },
    ],
    [
      'tags in another order',
      pool([1], { tags: ['b', 'a'] }),
      registered([1], { tags: ['a', 'b'] }),
      { set: ['n1@7'], remove: [], checks: ['k8s-c1-n1@7'], removeChecks: [], changes: ['1 instances repaired'] },
    ],
    [
      'a new port',
      pool([1], { port: 30_090 }),
      registered([1]),
      { set: ['n1@7'], remove: [], checks: ['k8s-c1-n1@7'], removeChecks: [], changes: ['port 30080 → 30090'] },
    ],
    [
      'a new name',
      pool([1], { service: 'api' }),
      registered([1]),
      { set: ['n1@0'], remove: ['k8s-c1-n1@7'], checks: ['k8s-c1-n1@7'], removeChecks: [], changes: ['name web → api'] },
    ],
    [
      'a node that joins',
      pool([1, 2]),
      registered([1]),
      { set: ['n2@0'], remove: [], checks: ['k8s-c1-n1@7'], removeChecks: [], changes: ['+n2'] },
    ],
    [
      'a node that leaves',
      pool([1]),
      registered([1, 2]),
      { set: [], remove: ['k8s-c1-n2@7'], checks: ['k8s-c1-n1@7'], removeChecks: [], changes: ['-n2'] },
    ],
    [
      'the first node leaves: the check moves, the old one goes with its instance',
      pool([2]),
      registered([1, 2]),
      { set: [], remove: ['k8s-c1-n1@7'], checks: ['k8s-c1-n2@0'], removeChecks: [], changes: ['-n1'] },
    ],
    [
      'a node joins in front: the check moves, the old one is removed',
      pool([1, 2]),
      registered([2]),
      { set: ['n1@0'], remove: [], checks: ['k8s-c1-n1@0'], removeChecks: ['k8s-c1-n2'], changes: ['+n1'] },
    ],
    [
      'a lost check',
      pool([1]),
      { ...registered([1]), checks: [] },
      { set: [], remove: [], checks: ['k8s-c1-n1@0'], removeChecks: [], changes: ['check'] },
    ],
    [
      'a pool that ends',
      { instances: [], check: undefined },
      registered([1]),
      { set: [], remove: ['k8s-c1-n1@7'], checks: [], removeChecks: [], changes: ['-n1'] },
    ],
  ])('finds %s', (_name, wanted, before, expected) => {
    expect(brief(diff(wanted, before))).toEqual(expected);
  });

  it.each<readonly [string, (one: RegisteredInstance) => RegisteredInstance]>([
    ['address', (one) => ({ ...one, address: '10.9.9.9' })],
    ['Meta', (one) => ({ ...one, meta: { ...one.meta, hash: 'x' } })],
    ['Meta of somebody else', (one) => ({ ...one, meta: { ...one.meta, theirs: 'x' } })],
  ])('repairs the %s of one instance alone', (_name, spoil) => {
    const before = registered([1, 2]);
    const [first, ...rest] = before.instances;
    if (first === undefined) throw new Error('there are two');
    const found = diff(pool([1, 2]), { ...before, instances: [spoil(first), ...rest] });
    expect(found.set.map(({ node }) => node)).toEqual(['n1']);
  });

  it.each(['status', 'notes', 'name'] as const)('repairs the %s of the check', (field) => {
    const before = registered([1]);
    const spoilt = { ...before, checks: before.checks.map((check) => ({ ...check, [field]: 'critical' }) as RegisteredCheck) };
    expect(brief(diff(pool([1]), spoilt))).toMatchObject({ set: [], checks: ['k8s-c1-n1@7'], changes: ['check'] });
  });
});

describe('firstStep', () => {
  /** What Consul holds after a step. */
  function apply(before: Registered, step: RegistrationDiff): Registered {
    const key = (one: { readonly consulNode: string; readonly id: string }): string => `${one.consulNode}/${one.id}`;
    const gone = new Set(step.remove.map(key));
    const instances = new Map(before.instances.filter((one) => !gone.has(key(one))).map((one) => [key(one), one]));
    for (const one of step.set) instances.set(key(one), stored(one));
    const dropped = new Set(step.removeChecks.map(({ consulNode }) => consulNode));
    const checks = new Map(
      before.checks
        .filter((check) => instances.has(`${check.consulNode}/${check.instanceId}`) && !dropped.has(check.consulNode))
        .map((check) => [check.consulNode, check]),
    );
    for (const check of step.checks) checks.set(check.consulNode, { ...check, modifyIndex: 7 });
    return { instances: [...instances.values()], checks: [...checks.values()] };
  }

  it('leaves a change alone that fits', () => {
    const whole = diff(pool([1, 2, 3], { tags: ['b'] }), registered([1, 2]));
    expect(firstStep(whole, registered([1, 2]), POOL, 10)).toBe(whole);
  });

  it('lets new instances join under the old tags first, then the old ones leave, then changes the tags of all at once', () => {
    const wanted = pool(range(5, 13), { tags: ['b'] });
    let now = registered(range(1, 9));
    const told: string[] = [];
    for (let i = 0; i < 9; i++) {
      const whole = diff(wanted, now);
      if (operationsOf({ ...whole, kv: [] }) === 0) break;
      const step = firstStep(whole, now, POOL, 9);
      told.push(step.changes[0]?.split(': ').at(-1) ?? '');
      now = apply(now, step);
    }
    expect(told).toEqual(['new instances join', 'old instances leave', '-tag a']);
  });

  it('never mixes, never falls below what is there or wanted, never exceeds the room, and arrives', () => {
    const shape = fc.record({
      tags: fc.constantFrom(['a'], ['b']),
      port: fc.constantFrom(30_080, 30_090),
      service: fc.constantFrom('web', 'api'),
      id: fc.constantFrom('', 'x'),
    });
    const part = fc.tuple(fc.nat(20), fc.nat(20)).map(([from, length]) => range(from + 1, from + 1 + length));
    fc.assert(
      fc.property(part, shape, part, shape, fc.boolean(), (before, old, after, next, roomy) => {
        fc.pre(before.length > 0 && after.length > 0);
        // A pool always fits: its instances, and its check where it comes and where it goes, in one transaction.
        const room = Math.max(after.length, roomy ? before.length : 0) + 2;
        let now = registered(before, old);
        const wanted = pool(after, next);
        const least = Math.min(before.length, after.length);
        for (let i = 0; ; i++) {
          const whole = diff(wanted, now);
          const operations = operationsOf({ ...whole, kv: [] });
          if (operations === 0) break;
          expect(i).toBeLessThan(50);
          const step = firstStep(whole, now, POOL, room);
          expect(operationsOf({ ...step, kv: [] })).toBeGreaterThan(0);
          expect(operationsOf({ ...step, kv: [] })).toBeLessThanOrEqual(room);
          now = apply(now, step);
          expect(new Set(now.instances.map(({ service, tags }) => JSON.stringify([service, tags]))).size).toBe(1);
          expect(now.instances.length).toBeGreaterThanOrEqual(least);
        }
        expect(now.instances.map((one) => one.id).sort()).toEqual(wanted.instances.map((one) => one.id).sort());
        expect(now.checks.map(({ notes }) => notes)).toEqual([wanted.check?.notes]);
      }),
      { numRuns: 1000 },
    );
  });
});
