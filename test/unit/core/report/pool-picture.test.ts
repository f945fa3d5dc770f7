import { describe, expect, it } from 'vitest';
import { nodeName, replicaName } from '../../../../src/core/model/ids.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { type PoolPicture, poolPicture } from '../../../../src/core/report/pool-picture.ts';
import { problem } from '../../../../src/shared/problem.ts';
import { complete, deployment, EMPTY_REGISTRY, endpoints, keys, service, spec, specSet, world } from '../../../support/builders.ts';
import { answered, spreadRouters } from '../../../support/gateway-state.ts';
import { settled } from '../../../support/known-world.ts';
import { planWorld } from '../../../support/model-world.ts';

const POOL = keys.pool('web');
const start = world({
  specs: complete(specSet([spec('web.json', deployment('web'), service('web'))])),
  endpoints: [endpoints('default/web')],
});

function picture(of: World): PoolPicture {
  const drawn = poolPicture(POOL, planWorld(of).context);
  if (drawn === undefined) throw new Error('there is no such pool');
  return drawn;
}

describe('the picture of a pool', () => {
  it('shows the way from the rule to each server with its node, as a Traefik tells it', () => {
    const { toldBy, routes, addresses } = picture(settled(start));
    expect(toldBy).toBe('edge');
    expect(routes).toHaveLength(1);
    expect(routes[0]).toMatchObject({ rule: expect.stringContaining('Host('), errors: [] });
    expect(routes[0]?.servers.map(({ node, state }) => [node, state])).toEqual(
      Object.keys(addresses)
        .sort()
        .map((node) => [node, 'up']),
    );
    expect(routes[0]?.servers[0]?.url).toBe(`http://${addresses[routes[0]?.servers[0]?.node as keyof typeof addresses] ?? ''}`);
  });

  it('tells servers that are missing, down and lingering', () => {
    const { routes } = picture(
      settled(start, (state) => {
        const services = new Map(
          [...state.services].map(
            ([
              key,
              {
                servers: [first, second, ...others],
                ...more
              },
            ]) => {
              const down = second === undefined ? [] : [{ ...second, up: false }];
              const old = first === undefined ? [] : [{ ...first, url: 'http://10.9.9.9:1', endpoint: '10.9.9.9:1' }];
              return [key, { ...more, servers: [...down, ...others, ...old] }] as const;
            },
          ),
        );
        return answered({ ...state, services });
      }),
    );
    expect(routes[0]?.servers.map(({ state }) => state)).toEqual(['missing', 'down', 'up', 'lingering']);
  });

  it('finds a router under the names that a Traefik with a default rule syntax has it by', () => {
    const tags = 'traefik.http.routers.shop.rule=Host(`a`)\ntraefik.http.routers.shop.entrypoints=web,websecure';
    const annotations = { 'traefik.frontend.rule': '', 'poolkeeper.dev/tags': tags };
    const two = world({
      specs: complete(specSet([spec('web.json', deployment('web'), service('web', { annotations }))])),
      endpoints: [endpoints('default/web')],
    });
    const { routes } = picture(settled(two, (state) => answered(spreadRouters(state))));
    expect(routes.map(({ name, entryPoints, servers }) => [name, entryPoints, servers.map(({ state }) => state)])).toEqual([
      ['web-shop', ['web'], ['up', 'up', 'up']],
      ['websecure-shop', ['websecure'], ['up', 'up', 'up']],
    ]);
  });

  it.each([
    ['one that answers before one that did', ['old', 'fresh'], '1'],
    ['one that did before one that never has', ['silent', 'older'], '1'],
    ['the one that answered last of those that did', ['silent', 'older', 'old'], '2'],
    ['the first of several that answer', ['silent', 'fresh', 'fresh'], '1'],
    ['none that never has', ['silent'], undefined],
  ] as const)('is told by %s', (_, replicas, by) => {
    const reason = problem('TRAEFIK_UNREACHABLE', 'no route to host');
    const whole = settled(start);
    const [fresh] = whole.gateways?.values() ?? [];
    if (fresh?.kind !== 'complete') throw new Error('no replica answers');
    const old = { kind: 'stale', value: fresh.value, readAtMs: 1, index: '', reason, sinceMs: 0 } as const;
    const all = { fresh, old, older: { ...old, readAtMs: 0 }, silent: { kind: 'unavailable', reason, sinceMs: 0 } } as const;
    const gateways = new Map(replicas.map((name, index) => [replicaName(String(index)), all[name]]));
    const { toldBy, routes } = picture({ ...whole, gateways });
    expect([toldBy, routes[0]?.servers[0]?.state]).toEqual([by, by === undefined ? 'expected' : 'up']);
  });

  it('is told from the tags where no Traefik is watched', () => {
    const { gateways: _, ...unwatched } = settled(start);
    const { toldBy, routes } = picture(unwatched);
    expect(toldBy).toBeUndefined();
    expect(new Set(routes[0]?.servers.map(({ state }) => state))).toEqual(new Set(['expected']));
  });

  it('lists the objects of its spec, and those that are missing', () => {
    const whole = settled(start);
    expect(picture(whole).objects.map(({ title, state }) => [title, state])).toEqual([
      ['Deployment default/web', 'in-cluster'],
      ['Service default/web', 'in-cluster'],
    ]);
    const objects = new Map(
      [...whole.cluster.objects].map(([kind, held]) => [kind, kind === 'apps/Deployment' ? complete(new Map()) : held]),
    );
    expect(picture({ ...whole, cluster: { ...whole.cluster, objects } }).objects[0]?.state).toBe('missing');
  });

  it('tells where a node would answer that is not in the pool', () => {
    const whole = settled(start);
    const nodes = snapshotValue(whole.cluster.nodes) ?? [];
    const [out] = nodes;
    const marked = nodes.map((node) => (node === out ? { ...node, annotations: { 'poolkeeper.dev/drain': 'true' } } : node));
    const { instances, ...registry } = snapshotValue(whole.registry) ?? EMPTY_REGISTRY;
    const left = new Map([...instances].map(([key, some]) => [key, some.filter(({ node }) => node !== out?.name)]));
    const { addresses } = picture({
      ...whole,
      cluster: { ...whole.cluster, nodes: complete(marked) },
      registry: complete({ ...registry, instances: left }),
    });
    expect(addresses[out?.name ?? nodeName('none')]).toBe(picture(whole).addresses[out?.name ?? nodeName('none')]);
    expect(Object.keys(addresses).sort()).toEqual(nodes.map(({ name }) => name).sort());
  });

  it('lists what a file that is gone has left, as dropped', () => {
    const { objects } = picture({ ...settled(start), specs: complete(specSet([spec('other.json', deployment('other'))])) });
    expect(objects.map(({ title, state, dropped }) => [title, state, dropped])).toEqual([
      ['Deployment default/web', 'in-cluster', true],
      ['Service default/web', 'in-cluster', true],
    ]);
  });

  it('lists the objects of the last good version of a broken file', () => {
    const broken = { 'web.json': [problem('SPEC_SYNTAX', 'no JSON')] };
    const set = specSet([], { broken });
    const good = spec('web.json', deployment('web'), service('web'));
    const { objects } = picture({ ...settled(start), specs: complete({ ...set, lastGood: new Map([[good.id, good]]) }) });
    expect(objects.map(({ title, state, dropped }) => [title, state, dropped])).toEqual([
      ['Deployment default/web', 'in-cluster', undefined],
      ['Service default/web', 'in-cluster', undefined],
    ]);
  });

  it('is none for a pool that nobody knows', () => {
    expect(poolPicture(keys.pool('nobody'), planWorld(settled(start)).context)).toBeUndefined();
  });
});
