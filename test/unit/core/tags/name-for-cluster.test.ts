import { describe, expect, it } from 'vitest';
import { nameForCluster } from '../../../../src/core/tags/name-for-cluster.ts';

describe('nameForCluster', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    [
      'routers of every protocol',
      ['traefik.http.routers.web.rule=Host(`a`)', 'traefik.tcp.routers.db.rule=HostSNI(`*`)', 'traefik.udp.routers.dns.entrypoints=udp'],
      [
        'traefik.http.routers.web-c1.rule=Host(`a`)',
        'traefik.tcp.routers.db-c1.rule=HostSNI(`*`)',
        'traefik.udp.routers.dns-c1.entrypoints=udp',
      ],
    ],
    [
      'middlewares, with what refers to them',
      ['traefik.http.middlewares.auth.basicauth.users=a', 'traefik.http.routers.web.middlewares=auth, strip@file,Auth@consulcatalog,other'],
      [
        'traefik.http.middlewares.auth-c1.basicauth.users=a',
        'traefik.http.routers.web-c1.middlewares=auth-c1,strip@file,Auth-c1@consulcatalog,other',
      ],
    ],
    [
      'chains',
      ['traefik.http.middlewares.all.chain.middlewares=auth,else', 'traefik.http.middlewares.auth.basicauth.users=a'],
      ['traefik.http.middlewares.all-c1.chain.middlewares=auth-c1,else', 'traefik.http.middlewares.auth-c1.basicauth.users=a'],
    ],
    [
      'parents',
      ['traefik.http.routers.child.parentrefs=root', 'traefik.http.routers.root.rule=Host(`a`)'],
      ['traefik.http.routers.child-c1.parentrefs=root-c1', 'traefik.http.routers.root-c1.rule=Host(`a`)'],
    ],
  ])('renames %s', (_, tags, renamed) => {
    expect(nameForCluster(tags, 'c1')).toEqual(renamed);
  });

  it('leaves everything else byte for byte', () => {
    const tags = [
      'plain, with a comma',
      'traefik.enable=true',
      'traefik.frontend.rule=Host:a',
      'traefik.http.routers',
      'traefik.http.services.web.loadbalancer.healthcheck.path=/health',
      'traefik.tls.stores.default.defaultcertificate.certfile=x',
    ];
    expect(nameForCluster(tags, 'c1')).toEqual(tags);
  });

  it('leaves the Traefik service that a router names', () => {
    expect(nameForCluster(['traefik.http.routers.web.service=web'], 'c1')).toEqual(['traefik.http.routers.web-c1.service=web']);
  });
});
