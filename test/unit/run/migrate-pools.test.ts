import { describe, expect, it } from 'vitest';
import { nodeName } from '../../../src/core/model/ids.ts';
import { snapshotValue } from '../../../src/core/model/snapshot.ts';
import { type MigrationWish, migratePools } from '../../../src/run/migrate-pools.ts';
import { NOW_MS, POLICY, world } from '../../support/builders.ts';
import { FakeSite } from '../../support/fake-ports.ts';
import { poolReport } from '../../support/run-report.ts';

const byAgents = { agents: { nodes: [nodeName('n1')], moving: false } };
const pools = [poolReport('prod', 'web', byAgents), poolReport('prod', 'shop', byAgents), poolReport('prod', 'blog')];
const KEY = 'kubernetes/.poolkeeper/c1/migrating/prod/web';

function ask(site: FakeSite, wish: MigrationWish, policy = POLICY) {
  const { registry, leases } = site.ports();
  const options = { registry, lease: leases.consul, policy, clock: { now: () => NOW_MS }, pools };
  return migratePools(wish, options, new AbortController().signal);
}

describe('asking for a move to the catalog', () => {
  it('writes a key for each pool that agents register, once', async () => {
    const site = new FakeSite(world({}));
    expect(await ask(site, { pools: ['prod/web', 'prod/blog'] })).toEqual({ kind: 'done', moving: ['prod/web'] });
    expect(JSON.parse(snapshotValue(site.world.registry)?.kv.get(KEY as never)?.value ?? '{}')).toEqual({ sinceMs: NOW_MS });
    expect(await ask(site, { all: true })).toEqual({ kind: 'done', moving: ['prod/web', 'prod/shop'] });
    expect(site.journal).toEqual([`write-kv ${KEY}`, 'write-kv kubernetes/.poolkeeper/c1/migrating/prod/shop']);
  });

  it.each([
    ['POOL_UNKNOWN', { pools: ['prod/wbe'] }, POLICY],
    ['MIGRATION_REFUSED', { all: true }, { ...POLICY, registration: 'kv' }],
  ] as const)('is refused with %s', async (code, wish, policy) => {
    const site = new FakeSite(world({}));
    expect(await ask(site, wish, policy)).toMatchObject({ kind: 'refused', problem: { code } });
    expect(site.journal).toEqual([]);
  });

  it('needs the lease, and tells what Consul refuses', async () => {
    const site = new FakeSite(world({}));
    site.refuse = () => ({ code: 'CONSUL_FORBIDDEN', severity: 'error', next: 'fix-config', message: 'no', remedy: '' });
    expect(await ask(site, { all: true })).toMatchObject({ kind: 'refused', problem: { code: 'CONSUL_FORBIDDEN' } });
    site.leases.consul.held = false;
    expect(await ask(site, { all: true })).toMatchObject({ kind: 'refused', problem: { code: 'LEASE_HELD_ELSEWHERE' } });
  });
});
