import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GatewayEntryPoint } from '../../../../src/core/model/gateway.ts';
import { spreadRouter, withProvider } from '../../../../src/core/plan/spread-routers.ts';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';

const point = (name: string): fc.Arbitrary<GatewayEntryPoint> =>
  fc.record(
    {
      name: fc.constant(name),
      asDefault: fc.constant(true as const),
      tls: fc.constant({}),
      middlewares: fc.constant(['auth@file', 'zip@file']),
    },
    { requiredKeys: ['name'] },
  );
const someOf = (...names: readonly string[]) => fc.subarray([...names], { minLength: 1 });

describe('spreadRouter', () => {
  it('leaves a router as it is where no entry point is known, and where none adds anything', () => {
    const router = { key: 'http/shop', fields: { rule: 'Host(`a`)' } } as const;
    expect(spreadRouter(router, undefined)).toEqual([router]);
    expect(spreadRouter(router, [{ name: 'web' }, { name: 'websecure' }])).toEqual([router]);
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
