import { describe, expect, it } from 'vitest';
import { findConflicts } from '../../../../src/core/routes/find-conflicts.ts';
import { predictRoutes } from '../../../../src/core/routes/predict-routes.ts';
import type { TraefikSettings } from '../../../../src/core/routes/predicted-routes.ts';
import type { RouteConflict } from '../../../../src/core/routes/route-conflict.ts';
import type { RoutedInstance } from '../../../../src/core/routes/route-model.ts';

const SETTINGS: TraefikSettings = {
  entryPoints: [{ name: 'web' }, { name: 'websecure' }, { name: 'dns', protocol: 'udp' }],
  known: { middlewares: ['auth@file'], certResolvers: ['le'] },
};

/** One instance of a Consul service, its labels without `traefik.`. */
const pool = (service: string, ...labels: readonly string[]): RoutedInstance => ({
  consulNode: 'n1',
  nodeId: 'id-n1',
  id: `${service}-1`,
  service,
  address: '10.0.0.1',
  port: 30_000 + service.charCodeAt(0),
  tags: labels.map((label) => `traefik.${label}`),
  status: 'passing',
});
const router = (service: string, rule: string, ...more: readonly string[]): RoutedInstance =>
  pool(service, `http.routers.${service}.rule=${rule}`, ...more.map((label) => `http.routers.${service}.${label}`));

function conflicts(after: readonly RoutedInstance[], before?: readonly RoutedInstance[]): readonly RouteConflict[] {
  const old = before === undefined ? undefined : predictRoutes(before, SETTINGS);
  return findConflicts(old, predictRoutes(after, SETTINGS), SETTINGS);
}
const told = (found: readonly RouteConflict[]): readonly string[] => found.map(({ kind, severity, what }) => `${severity} ${kind} ${what}`);

describe('findConflicts', () => {
  it('finds nothing between routers of different hosts, paths, methods or entry points', () => {
    const found = conflicts([
      router('a', 'Host(`a.example`)'),
      router('b', 'Host(`b.example`)'),
      router('c', 'Host(`c.example`) && PathPrefix(`/x`)'),
      router('d', 'Host(`c.example`) && PathPrefix(`/y`)'),
      router('e', 'Host(`e.example`) && Method(`GET`)'),
      router('f', 'Host(`e.example`) && Method(`PUT`)'),
      router('g', 'Host(`g.example`)', 'entrypoints=web'),
      router('h', 'Host(`g.example`)', 'entrypoints=websecure'),
      router('i', 'HostRegexp(`^i\\.`)'),
    ]);
    expect(told(found)).toEqual([]);
  });

  it('says of an expression that is too large to be tried that nobody judges it, and nothing of what its router takes', () => {
    const large = `HostRegexp(\`${'\\pL{1000}'.repeat(20)}\`)`;
    const found = conflicts([router('a', large), router('b', large), router('c', `Host(\`c.example\`) || ${large}`)]);
    expect(told(found)).toEqual(['a', 'b', 'c'].map((name) => `warning not-judged router ${name}`));
    expect(found[0]?.message).toBe('router a: an expression in its rule is too large to be judged here');
  });

  it.each<[string, readonly RoutedInstance[], readonly string[]]>([
    [
      'one router declared in two ways',
      [pool('a', 'http.routers.r.rule=Host(`a`)'), pool('b', 'http.routers.r.rule=Host(`b`)')],
      ['error conflict router r'],
    ],
    [
      'one Traefik service of two',
      [pool('a', 'http.services.s.loadbalancer.server.port=1'), pool('b', 'http.services.s.loadbalancer.server.port=2')],
      ['error shared-service service s'],
    ],
    ['an unknown middleware', [router('a', 'Host(`a`)', 'middlewares=gone@file')], ['error broken router a']],
    ['a known middleware', [router('a', 'Host(`a`)', 'middlewares=auth@file')], []],
    ['an unknown entry point beside a known one', [router('a', 'Host(`a`)', 'entrypoints=web,gone')], ['warning broken router a']],
    ['an unknown resolver', [router('a', 'Host(`a`)', 'tls.certresolver=gone')], ['warning unknown-resolver router a']],
    ['a rule that cannot be read', [router('a', 'Host(`a`')], ['error broken router a']],
    [
      'one rule twice',
      [router('a', 'Host(`x`) && Path(`/y`)', 'priority=24'), router('b', 'Path(`/y`) && Host(`X.`)', 'priority=24')],
      ['error same-rule router b'],
    ],
    [
      'an overlap at one priority',
      [router('a', 'Host(`x.example`) && Path(`/a/b`)', 'priority=9'), router('b', 'PathPrefix(`/a`)', 'priority=9')],
      ['warning overlap router b'],
    ],
    [
      'a router that another takes everything from',
      [router('a', 'Host(`x.example`) && PathPrefix(`/a/b`)', 'priority=1'), router('b', 'Host(`x.example`) || Host(`y.example`)')],
      ['warning shadowed router a'],
    ],
    ['a longer rule below a shorter one', [router('a', 'Host(`x.example`) && Path(`/a`)'), router('b', 'Host(`x.example`)')], []],
    [
      'a router that matches nothing',
      [router('a', 'PathPrefix(`/`) && !PathPrefix(`/`)', 'priority=1'), router('b', 'PathPrefix(`/`)')],
      [],
    ],
    [
      'two UDP routers on one entry point',
      [pool('a', 'udp.routers.a.entrypoints=dns'), pool('b', 'udp.routers.b.entrypoints=dns')],
      ['error udp-entry-point UDP router a'],
    ],
    ['a tag that breaks Traefik', [pool('a', 'http.routers.a].rule=x')], ['error freeze instance a-1 on n1']],
  ])('%s', (_, instances, expected) => {
    expect(told(conflicts(instances))).toEqual(expected);
  });

  it('tells only what is new, and who is', () => {
    const held = pool('a', 'http.routers.r.rule=Host(`a`)');
    const old = [held, router('x', 'Host(`x`'), router('y', 'Host(`y`)')];
    const found = conflicts([...old, pool('b', 'http.routers.r.rule=Host(`b`)')], old);
    expect(found.map(({ kind, what, declaredBy, newcomers }) => ({ kind, what, declaredBy, newcomers }))).toEqual([
      { kind: 'conflict', what: 'router r', declaredBy: ['a', 'b'], newcomers: ['b'] },
    ]);
    expect(conflicts(old, old)).toEqual([]);
  });

  it('tells the newcomer to a Traefik service', () => {
    const held = pool('z', 'http.services.s.loadbalancer.server.port=1');
    const found = conflicts([held, pool('a', 'http.services.s.loadbalancer.server.port=1')], [held]);
    expect(found.map(({ kind, newcomers }) => ({ kind, newcomers }))).toEqual([{ kind: 'shared-service', newcomers: ['a'] }]);
  });
});
