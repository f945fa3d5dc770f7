import { describe, expect, it } from 'vitest';
import { namedHosts } from '../../../../src/core/report/named-hosts.ts';

describe('the hosts that tags name', () => {
  it.each([
    ['a rule of Traefik 3', ['traefik.http.routers.shop.rule=Host(`Shop.example.com`) && PathPrefix(`/cart`)'], ['shop.example.com']],
    ['several hosts', ['traefik.http.routers.a.rule=Host(`a.example.com`) || Host(`b.example.com`,`c.example.com`)'], ['a', 'b', 'c']],
    ['a rule of TCP', ['traefik.tcp.routers.db.rule=HostSNI(`db.example.com`)'], ['db.example.com']],
    ['a rule of Traefik 1', ['traefik.frontend.rule=Host:old.example.com, other.example.com;PathPrefix:/x'], ['old', 'other']],
    ['both, once each', ['traefik.frontend.rule=Host:a', 'traefik.http.routers.a.rule=Host(`a`)'], ['a']],
    ['tags without rules', ['traefik.enable=true', 'metrics'], []],
  ])('are those of %s', (_, tags, hosts) => {
    expect(namedHosts(tags).map((host) => (hosts.includes(host) ? host : host.split('.')[0]))).toEqual(hosts);
  });
});
