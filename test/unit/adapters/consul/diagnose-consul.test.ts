import { describe, expect, it } from 'vitest';
import type { ConsulClient, TransactionOutcome } from '../../../../src/adapters/consul/consul-client.ts';
import { type ConsulCheckName, diagnoseConsul } from '../../../../src/adapters/consul/diagnose-consul.ts';
import type { TransactionOperation } from '../../../../src/adapters/consul/registry-write.ts';
import { AppError } from '../../../../src/shared/errors.ts';
import { problem } from '../../../../src/shared/problem.ts';

const identity = { owner: 'poolkeeper', cluster: 'prod', keyPath: 'kubernetes', nodePrefix: 'k8s-' };
const ID = '6f1e0b1c-8a55-4ac4-9d0e-3d1c7f2b9a10';
const answer = <T>(value: T) => ({ value, index: 1, filtered: false });

/** A Consul that grants everything, but for what is put in; `sent` are the transactions it got. */
function consul(more: Partial<ConsulClient> = {}) {
  const sent: (readonly TransactionOperation[])[] = [];
  const isTrial = (operations: readonly TransactionOperation[]): boolean => JSON.stringify(operations[0]).includes('check-session');
  const unused = () => Promise.reject(new Error('not part of a diagnosis'));
  const client: ConsulClient = {
    address: 'http://consul:8500',
    listNodes: async () => answer([{ name: 'server', id: '', address: '', meta: {}, modifyIndex: 1 }]),
    listInstances: unused,
    listChecks: async () => answer([]),
    listNodeChecks: async () => answer([]),
    listServiceInstances: async () => answer([]),
    listServices: async () => answer(new Map([['consul', []]])),
    readTree: async () => answer([]),
    listKeys: async () => answer([]),
    readKey: async () => answer(undefined),
    readVersion: async () => '1.21.0',
    readLeader: async () => '10.0.0.1:8300',
    readToken: async () => ({ accessor: 'a', description: '', expires: undefined }),
    transact: async (operations): Promise<TransactionOutcome> => {
      sent.push(operations);
      return isTrial(operations)
        ? { kind: 'refused', errors: [{ operation: 0, what: "key doesn't exist" }] }
        : { kind: 'applied', results: [] };
    },
    createSession: async () => 'session',
    renewSession: async () => true,
    destroySession: async () => undefined,
    acquireKey: unused,
    releaseKey: unused,
    close: () => undefined,
    ...more,
  };
  const diagnose = async (options: { readonly services?: readonly string[]; readonly scoped?: boolean } = {}) => {
    const request = { client, identity, scoped: false, now: () => Date.parse('2030-01-01T00:00:00Z'), id: ID, ...options };
    const checks = await diagnoseConsul(request, AbortSignal.timeout(5_000));
    const of = (name: ConsulCheckName) => checks.find((check) => check.name === name);
    return { of, notOk: Object.fromEntries(checks.flatMap(({ name, status }) => (status === 'ok' ? [] : [[name, status]]))) };
  };
  return { diagnose, sent };
}

const refusing =
  (operation: number, what: string): ConsulClient['transact'] =>
  async () => ({ kind: 'refused', errors: [{ operation, what }] });

const FINDINGS: readonly (readonly [string, Partial<ConsulClient>, ConsulCheckName, 'failed' | 'warning', RegExp])[] = [
  ['nobody leads', { readLeader: async () => undefined }, 'address', 'failed', /no leader/],
  ['ACLs are off', { readToken: async () => undefined }, 'token', 'warning', /ACLs are off/],
  [
    'the token expires soon',
    { readToken: async () => ({ accessor: 'a', description: 'd', expires: '2030-01-01T23:59:59Z' }) },
    'token',
    'warning',
    /a \(d\) and expires at 2030/,
  ],
  ['Consul is older than 1.11', { readVersion: async () => '1.10.12' }, 'agent', 'warning', /64 operations/],
  ['the version may not be read', { readVersion: async () => undefined }, 'agent', 'warning', /64 operations/],
  ['nodes are left out', { listNodes: async () => ({ ...answer([]), filtered: true }) }, 'nodes', 'failed', /leaves out nodes/],
  ['not even the servers are shown', { listNodes: async () => answer([]) }, 'nodes', 'failed', /no nodes at all/],
  [
    'services are left out',
    { listServices: async () => ({ ...answer(new Map()), filtered: true }) },
    'services',
    'failed',
    /leaves out services/,
  ],
  [
    'a session may not be made',
    { createSession: () => Promise.reject(new AppError(problem('CONSUL_FORBIDDEN', 'denied'))) },
    'sessions',
    'failed',
    /denied/,
  ],
  [
    'a stranger has the name of the canary node',
    {
      listNodes: async () => answer([{ name: 'k8s-prod--canary', id: '', address: '', meta: {}, modifyIndex: 1 }]),
      listInstances: async () => answer([]),
    },
    'canaries',
    'failed',
    /belongs to someone else/,
  ],
];

describe('the diagnosis of Consul', () => {
  it('finds nothing wrong where everything is granted', async () => {
    expect((await consul().diagnose()).notOk).toEqual({});
  });

  it('applies one transaction only, which leaves nothing; what tries the rights begins with what must fail', async () => {
    const { diagnose, sent } = consul();
    await diagnose();
    const [trial = [], applied = [], ...others] = sent;
    expect(others).toEqual([]);
    expect(trial[0]).toMatchObject({ KV: { Verb: 'check-session', Key: `kubernetes/.poolkeeper/prod/doctor-${ID}`, Session: ID } });
    const Key = `kubernetes/.poolkeeper/prod/doctor-${ID}`;
    expect(applied).toEqual([{ KV: { Verb: 'cas', Key, Value: '', Index: 0 } }, { KV: { Verb: 'delete', Key } }]);
  });

  it('tries many services in transactions that every Consul takes', async () => {
    const { diagnose, sent } = consul();
    await diagnose({ services: Array.from({ length: 100 }, (_, index) => `s${index}`) });
    const tried = sent.slice(0, -1);
    expect(tried.every((operations) => operations.length <= 64 && JSON.stringify(operations[0]).includes('check-session'))).toBe(true);
    const names = tried.flat().flatMap((operation) => ('Service' in operation ? [operation.Service['Service']] : []));
    expect(new Set(names.map((service) => (service as { readonly Service: string }).Service)).size).toBe(101);
  });

  it('never takes a trial that succeeds, or fails otherwise, for a right', async () => {
    const applied = consul({ transact: async () => ({ kind: 'applied', results: [] }) });
    expect((await applied.diagnose()).of('own-nodes')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('cannot succeed'),
    });
    const away = problem('CONSUL_UNAVAILABLE', 'PUT txn was answered with 500');
    const { of } = await consul({ transact: async () => ({ kind: 'failed', problem: away, unclear: true }) }).diagnose();
    for (const name of ['own-nodes', 'services', 'pool-keys', 'own-keys'] as const) {
      expect(of(name)).toMatchObject({ status: 'failed', message: away.message, remedy: away.remedy });
    }
  });

  it('tells why a transaction is refused although its rights are there', async () => {
    const { of } = await consul({ transact: refusing(0, 'raft is busy') }).diagnose();
    expect(of('commit')).toMatchObject({ status: 'failed', message: 'a transaction is refused: raft is busy' });
  });

  it.each(FINDINGS)('says that %s', async (_, more, name, status, message) => {
    const { of } = await consul(more).diagnose();
    expect(of(name)).toMatchObject({ status, message: expect.stringMatching(message) });
  });

  it('takes an empty partition for what it is', async () => {
    const empty = { listNodes: async () => answer([]), listServices: async () => answer(new Map()) };
    expect((await consul(empty).diagnose({ scoped: true })).notOk).toEqual({});
  });

  it('ends the session that it made, whatever happens', async () => {
    const ended: string[] = [];
    const { of } = await consul({
      renewSession: () => Promise.reject(new AppError(problem('CONSUL_UNAVAILABLE', 'gone'))),
      destroySession: async (id) => void ended.push(id),
    }).diagnose();
    expect(of('sessions')).toMatchObject({ status: 'failed', message: 'gone' });
    expect(ended).toEqual(['session']);
  });

  it('rejects when it is aborted', async () => {
    const controller = new AbortController();
    const client = { readLeader: async () => Promise.reject(controller.abort()) } as unknown as ConsulClient;
    const request = { client, identity, scoped: false, now: () => 0, id: ID };
    await expect(diagnoseConsul(request, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
