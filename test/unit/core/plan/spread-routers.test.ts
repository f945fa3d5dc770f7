import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GatewayEntryPoint, GatewayState, Gateways } from '../../../../src/core/model/gateway.ts';
import { replicaName } from '../../../../src/core/model/ids.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import { spreadRouter, toldEntryPoints, withProvider } from '../../../../src/core/plan/spread-routers.ts';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import { POLICY, world } from '../../../support/builders.ts';
import { answered, gatewayState, silent } from '../../../support/gateway-state.ts';

const point = (name: string): fc.Arbitrary<GatewayEntryPoint> =>
  fc.record(
    {
      name: fc.constant(name),
      asDefault: fc.constant(true as const),
      tls: fc.constant({}),
      middlewares: fc.constant(['auth@file', 'zip@file']),
      observability: fc.constant({ accessLogs: false }),
    },
    { requiredKeys: ['name'] },
  );
const someOf = (...names: readonly string[]) => fc.subarray([...names], { minLength: 1 });

describe('toldEntryPoints', () => {
  const gateways = (...snapshots: readonly Snapshot<GatewayState>[]) => new Map(snapshots.map((one, i) => [replicaName(`edge-${i}`), one]));
  const having = (...names: readonly string[]): GatewayState =>
    gatewayState({}, { elsewhere: { middlewares: [], services: [], entryPoints: names.map((name) => ({ name })) } });
  const told = (seen: Gateways | undefined, policy = POLICY) =>
    toldEntryPoints({ world: { ...world({}), ...(seen === undefined ? {} : { gateways: seen }) }, policy })?.map(({ name }) => name);

  it('takes those of a replica that answers, before those of one that no longer does', () => {
    expect(told(gateways(silent(0, having('old')), answered(having('new'))))).toEqual(['new']);
    expect(told(gateways(silent(0), silent(0, having('old')), answered(gatewayState({}))))).toEqual(['old']);
  });

  it('takes those of the configuration when no replica tells', () => {
    expect(told(gateways(silent(0)))).toBeUndefined();
    expect(told(gateways(silent(0)), { ...POLICY, routes: { entryPoints: [{ name: 'web' }] } })).toEqual(['web']);
  });
});

describe('spreadRouter', () => {
  it('leaves a router as it is where no entry point is known, and where none adds anything', () => {
    const router = { key: 'http/shop', fields: { rule: 'Host(`a`)' } } as const;
    expect(spreadRouter(router, undefined)).toEqual([router]);
    expect(spreadRouter(router, [{ name: 'web' }, { name: 'websecure' }])).toEqual([router]);
  });

  it('gives a router a name for each entry point that has settings of observability, as Traefik does', () => {
    const router = { key: 'http/shop', fields: { rule: 'Host(`a`)', entryPoints: ['web', 'websecure'] } } as const;
    const spread = spreadRouter(router, [{ name: 'web', observability: { accessLogs: false } }, { name: 'websecure' }]);
    expect(spread.map(({ key, fields }) => [key, fields.entryPoints])).toEqual([
      ['http/shop', ['websecure']],
      ['http/web-shop', ['web']],
    ]);
  });

  it('makes the routers that are predicted', () => {
    fc.assert(
      fc.property(
        fc.tuple(point('web'), point('websecure'), point('third')),
        fc.option(someOf('web', 'websecure', 'third'), { nil: undefined }),
        fc.boolean(),
        fc.option(fc.constant(['strip', 'own@file']), { nil: undefined }),
        (entryPoints, names, tls, middlewares) => {
          const tags = [
            'traefik.http.routers.shop.rule=Host(`a`)',
            ...(names === undefined ? [] : [`traefik.http.routers.shop.entrypoints=${names.join(',')}`]),
            ...(tls ? ['traefik.http.routers.shop.tls=true'] : []),
            ...(middlewares === undefined ? [] : [`traefik.http.routers.shop.middlewares=${middlewares.join(',')}`]),
          ];
          const instance = { consulNode: 'n', nodeId: 'n', id: 'shop-1', service: 'shop', address: '10.0.0.1', port: 80, tags };
          const predicted = predictRoutes([{ ...instance, status: 'passing' }], { entryPoints: [...entryPoints] }).http.routers;
          const fields = {
            ...(names === undefined ? {} : { entryPoints: names }),
            ...(tls ? { tls: true } : {}),
            middlewares: (middlewares ?? []).map(withProvider),
          };
          const spread = spreadRouter({ key: 'http/shop', fields }, [...entryPoints]);
          expect(spread.map(({ key }) => `${key.slice(5)}@consulcatalog`).sort()).toEqual([...predicted.keys()].sort());
          for (const { key, fields: made } of spread) {
            const config = predicted.get(`${key.slice(5)}@consulcatalog`)?.config ?? {};
            expect(made.middlewares).toEqual(config['middlewares'] ?? []);
            if (made.entryPoints !== undefined) expect(made.entryPoints).toEqual(config['entryPoints']);
            expect(made.tls ?? false).toBe(config['tls'] !== undefined);
          }
        },
      ),
    );
  });
});
