import { describe, expect, it } from 'vitest';
import { shownTag, withoutUsers } from '../../../../src/core/model/shown-tag.ts';

describe('shownTag', () => {
  it.each([
    'traefik.frontend.auth.basic.users',
    'traefik.frontend.auth.basic',
    'traefik.frontends.a.auth.digest.users',
    'traefik.frontend.auth.forward.tls.key',
    'traefik.frontend.headers.customRequestHeaders',
    'traefik.backend.healthcheck.headers',
    'traefik.http.middlewares.m.basicauth.users',
    'traefik.http.middlewares.m.digestauth.users',
    'traefik.http.middlewares.m.forwardauth.tls.key',
    'traefik.http.middlewares.m.headers.customrequestheaders.Authorization',
    'traefik.http.middlewares.m.plugin.jwt.secret',
    'traefik.http.services.s.loadbalancer.healthcheck.headers.X-Key',
  ])('shows no value of %s', (key) => {
    expect(shownTag(`${key}=s3cr=et`)).toBe(`${key}=[redacted]`);
  });

  it.each([
    'kubernetes',
    'traefik.frontend.rule=Host:a.example',
    'traefik.http.routers.users.rule=Host(`users.example`)',
    'traefik.http.routers.r.middlewares=m-basicauth',
    'traefik.frontend.auth.basic.usersFile=/users',
  ])('shows %s as it is', (tag) => {
    expect(shownTag(tag)).toBe(tag);
  });
});

describe('withoutUsers', () => {
  it('leaves out the users that Traefik quotes, and nothing else', () => {
    expect(withoutUsers('middleware d: error parsing DigestUser: bob:s3cret')).toBe('middleware d: error parsing DigestUser: [redacted]');
    expect(withoutUsers('error parsing BasicUser: a:b\nc')).toBe('error parsing BasicUser: [redacted]');
    expect(withoutUsers('the service "a@file" does not exist')).toBe('the service "a@file" does not exist');
  });
});
