import { describe, expect, it } from 'vitest';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { PredictedRoutes, TraefikSettings } from '../../../../src/core/routes/predicted-routes.ts';
import type { RoutedInstance } from '../../../../src/core/routes/route-model.ts';
import { serversOf } from '../../../../src/sandbox/gateway/routing-table.ts';
import { routedInstance } from '../../../support/routed-instance.ts';

const build = (instances: readonly RoutedInstance[], settings: TraefikSettings = {}): PredictedRoutes =>
  predictRoutes(instances, { exposedByDefault: false, ...settings });
const urls = ({ http }: PredictedRoutes): readonly string[] => {
  const service = http.services.get('web@consulcatalog');
  return service === undefined ? [] : serversOf(service).map(({ url }) => url);
};
const told = ({ dropped }: PredictedRoutes): readonly string[] => dropped.map(({ reason, what }) => `${reason} ${what}`);

describe('which instances count', () => {
  const on = 'traefik.enable=true';
  it.each<readonly [string, Partial<RoutedInstance>, TraefikSettings, boolean]>([
    ['passing', {}, {}, true],
    ['warning', { status: 'warning' }, {}, true],
    ['warning, with strict checks', { status: 'warning' }, { strictChecks: ['passing'] }, false],
    ['critical', { status: 'critical' }, {}, false],
    ['critical, where any will do', { status: 'critical' }, { strictChecks: ['any'] }, true],
    ['in maintenance', { status: 'maintenance' }, {}, false],
    ['without traefik.enable', { tags: [] }, {}, false],
    ['without traefik.enable, exposed by default', { tags: [] }, { exposedByDefault: true }, true],
    ['enabled by another spelling than =true', { tags: ['traefik.enable=1'] }, {}, false],
    ['enabled by another spelling, exposed by default', { tags: ['traefik.enable=1'] }, { exposedByDefault: true }, true],
    ['disabled, exposed by default', { tags: ['traefik.enable=false'] }, { exposedByDefault: true }, false],
    ['with the constraint tag', { tags: [on, 'c1'] }, { constraints: 'Tag(`c1`)' }, true],
    ['without the constraint tag', { tags: [on, 'c2'] }, { constraints: 'Tag(`c1`)' }, false],
    ['without an address', { address: '' }, {}, false],
    ['for Consul Connect', { tags: [on, 'traefik.consulcatalog.connect=true'] }, {}, false],
  ])('%s', (_, more, settings, expected) => {
    expect(build([routedInstance(more)], settings).http.services.has('web@consulcatalog')).toBe(expected);
  });

  it('an enable that is no boolean or differs keeps the whole service out, a tag more or less does not', () => {
    const other = (...tags: readonly string[]) => build([routedInstance(), routedInstance({ consulNode: 'k8s-b', tags })]);
    expect(build([routedInstance({ tags: ['traefik.enable=yes'] })]).http.services.size).toBe(0);
    expect(told(build([routedInstance({ tags: ['traefik.enable=yes'] })]))).toContain('service Consul service web');
    expect(told(other('traefik.enable=false'))).toEqual(['chance Consul service web']);
    expect(told(other('other'))).toEqual([]);
  });

  it('equal instance IDs on nodes without IDs share the health of the last one', () => {
    const pair = (nodeId: string | undefined): PredictedRoutes =>
      build([
        routedInstance({ id: 'web', ...(nodeId === undefined ? {} : { nodeId }) }),
        routedInstance({
          consulNode: 'k8s-b',
          id: 'web',
          address: '10.0.0.2',
          status: 'critical',
          ...(nodeId === undefined ? {} : { nodeId }),
        }),
      ]);
    expect(urls(pair(''))).toEqual([]);
    expect(urls(pair(undefined))).toHaveLength(1);
  });

  it('of two that have one name in Traefik, one is lost', () => {
    const routes = build([
      routedInstance({ consulNode: 'k8s.a', id: 'x' }),
      routedInstance({ consulNode: 'k8s-a', id: 'x', address: '10.0.0.2' }),
    ]);
    expect(told(routes)).toEqual(['lost-instance instance x on k8s-a']);
    expect(urls(routes)).toHaveLength(1);
  });
});
