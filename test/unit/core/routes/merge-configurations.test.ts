import { describe, expect, it } from 'vitest';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { PredictedRoutes } from '../../../../src/core/routes/predicted-routes.ts';
import type { RoutedInstance } from '../../../../src/core/routes/route-model.ts';
import { routedInstance, routerTags, serviceTags } from '../../../support/routed-instance.ts';

const pair = (one: readonly string[], two: readonly string[], more: Partial<RoutedInstance> = {}): PredictedRoutes =>
  predictRoutes([routedInstance({ tags: one }), routedInstance({ consulNode: 'k8s-b', address: '10.0.0.2', tags: two, ...more })]);

describe('several instances', () => {
  const middleware = (prefix: string): readonly string[] => [
    'traefik.enable=true',
    `traefik.http.middlewares.m.addprefix.prefix=${prefix}`,
  ];
  it.each([
    { name: 'router r', one: routerTags('r', 'rule=Host(`a`)'), two: routerTags('r', 'rule=Host(`b`)'), left: [0, 1] },
    { name: 'router r', one: routerTags('r', 'rule=Host(`a`)'), two: routerTags('r', 'rule=Host(`a`)', 'priority=1'), left: [0, 1] },
    { name: 'service s', one: serviceTags('s', 'sticky.cookie=true'), two: serviceTags('s', 'sticky.cookie=false'), left: [1, 0] },
    { name: 'middleware m', one: middleware('/a'), two: middleware('/b'), left: [1, 1] },
  ])('that disagree on $name lose it for all', ({ name, one, two, left }) => {
    const { http, dropped } = pair(one, two);
    expect(dropped.map(({ reason, what }) => `${reason} ${what}`)).toContain(`conflict ${name}`);
    expect([http.routers.size, http.services.size]).toEqual(left);
  });

  it.each([
    ['server fields', serviceTags('s', 'server.port=1', 'server.weight=2'), serviceTags('s', 'server.port=3')],
    ['the spelling of a boolean', serviceTags('s', 'passhostheader=0'), serviceTags('s', 'passhostheader=False')],
    ['a default that is written out', serviceTags('s', 'passhostheader=true', 'server.port=1'), serviceTags('s', 'server.port=1')],
    ['the case of a key', routerTags('r', 'rule=Host(`a`)'), routerTags('r', 'Rule=Host(`a`)')],
  ])('may differ in %s', (_, one, two) => {
    expect(pair(one, two).dropped).toEqual([]);
  });

  it('of several Consul services that declare one object are all named', () => {
    const shared = [...routerTags('r', 'rule=Host(`a`)', 'service=s'), ...serviceTags('s', 'server.port=1')];
    const { routers, services } = pair(shared, shared, { service: 'api' }).http;
    expect(routers.get('r@consulcatalog')?.declaredBy).toEqual(['api', 'web']);
    expect(services.get('s@consulcatalog')?.declaredBy).toEqual(['api', 'web']);
  });
});
