import { describe, expect, it } from 'vitest';
import { keepKnown } from '../../../../src/adapters/consul/keep-known.ts';
import { type PoolKey, poolKey } from '../../../../src/core/model/ids.ts';
import type { RegisteredInstance, RegistryState } from '../../../../src/core/model/registration.ts';
import { EMPTY_REGISTRY } from '../../../support/builders.ts';

const [web, api] = [poolKey('prod', 'web'), poolKey('prod', 'api')];
const instance = { id: 'web-1', tags: ['a'], modifyIndex: 1 } as unknown as RegisteredInstance;
const base: RegistryState = {
  ...EMPTY_REGISTRY,
  instances: new Map<PoolKey, readonly RegisteredInstance[]>([
    [web, [instance]],
    [api, [{ ...instance, id: 'api-1' }]],
  ]),
  foreignServices: new Set(['consul']),
};
/** The same, read again. */
const again = (change: Partial<RegistryState> = {}): RegistryState => ({ ...structuredClone(base), ...change });

describe('keepKnown', () => {
  it('is what was known when nothing differs', () => {
    expect(keepKnown(base, again())).toBe(base);
  });

  it('takes over what differs, and keeps all else as it was known', () => {
    const changed = [{ ...instance, tags: ['b'], modifyIndex: 2 }];
    const kept = keepKnown(base, again({ instances: new Map([...structuredClone(base.instances), [web, changed]]) }));
    expect(kept.instances.get(web)).toBe(changed);
    expect(kept.instances.get(api)).toBe(base.instances.get(api));
    expect(kept.foreignServices).toBe(base.foreignServices);
    expect(kept.limits).toBe(base.limits);
  });

  it.each<[string, Partial<RegistryState>]>([
    ['a pool that is gone', { instances: new Map([[api, [{ ...instance, id: 'api-1' }]]]) }],
    ['the services of others', { foreignServices: new Set(['consul', 'web']) }],
    ['a stranger', { strangers: [{ ...instance, consulNode: 'k8s-c1-n1' }] }],
    ['that the canaries were new', { fresh: true }],
    ['the limits', { limits: { operations: 64, bytes: 1 } }],
    ['an entry that came', { kv: new Map([['k' as never, { key: 'k' as never, value: '', flags: 1, modifyIndex: 1 }]]) }],
  ])('sees %s', (_, change) => {
    const kept = keepKnown(base, again(change));
    expect(kept).not.toBe(base);
    expect(kept).toEqual({ ...base, ...change });
  });
});
