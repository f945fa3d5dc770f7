import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/core/spec/read-settings.ts';

const read = (name: string, value: string) => readSettings({ [`poolkeeper.dev/${name}`]: value });

describe('readSettings', () => {
  it('reads every setting', () => {
    const { settings, problems } = readSettings({
      'poolkeeper.dev/register': 'true',
      'poolkeeper.dev/port': 'http',
      'poolkeeper.dev/service-name': 'web-blue',
      'poolkeeper.dev/nodes': 'pool in (a, b),!spot',
      'poolkeeper.dev/min-backends': '0',
      'poolkeeper.dev/drain-seconds': '3600',
      'poolkeeper.dev/health': 'endpoints',
      'poolkeeper.dev/probe-path': '/healthz?full=1',
      'poolkeeper.dev/probe-codes': '200-299, 401',
      'poolkeeper.dev/adopt': 'false',
      'poolkeeper.dev/recreate': 'true',
      'poolkeeper.dev/tags': '\n  traefik.http.routers.x.rule=Path(`/a b`)\n\nplain \n',
    });
    expect(problems).toEqual([]);
    expect(settings).toEqual({
      register: true,
      port: 'http',
      serviceName: 'web-blue',
      nodes: [
        { key: 'pool', operator: 'in', values: ['a', 'b'] },
        { key: 'spot', operator: 'not-exists', values: [] },
      ],
      minBackends: 0,
      drainSeconds: 3600,
      health: 'endpoints',
      probePath: '/healthz?full=1',
      probeCodes: [
        { from: 200, to: 299 },
        { from: 401, to: 401 },
      ],
      adopt: false,
      recreate: true,
      tags: ['traefik.http.routers.x.rule=Path(`/a b`)', 'plain'],
    });
  });

  it('takes a port by number', () => {
    expect(read('port', '8080').settings).toEqual({ port: 8080 });
  });

  it('passes over annotations of others and our own marks', () => {
    const annotations = { 'traefik.enable': 'x', 'poolkeeper.dev/id': 'x', 'poolkeeper.dev/spec': 'x', 'poolkeeper.dev/hash': 'x' };
    expect(readSettings(annotations)).toEqual({ settings: {}, problems: [] });
  });

  it.each([
    ['register', 'yes'],
    ['register', 'True'],
    ['port', '0'],
    ['port', '65536'],
    ['port', 'Web'],
    ['port', '80-90-'],
    ['service-name', 'web.blue'],
    ['service-name', 'a'.repeat(64)],
    ['nodes', 'a in b'],
    ['min-backends', '-1'],
    ['min-backends', '1.5'],
    ['drain-seconds', '3601'],
    ['drain-seconds', '10s'],
    ['health', 'nodes'],
    ['probe-path', 'healthz'],
    ['probe-path', '/a b'],
    ['probe-codes', 'ok'],
    ['probe-codes', '200,'],
    ['probe-codes', '299-200'],
    ['probe-codes', '2000'],
    ['adopt', ''],
    ['tags', 'a\u0000b'],
    ['nodes', ' '],
  ])('refuses %s: %j', (name, value) => {
    const { settings, problems } = read(name, value);
    expect(settings).toEqual({});
    expect(problems).toMatchObject([{ code: 'SPEC_BAD_ANNOTATION', annotation: `poolkeeper.dev/${name}` }]);
    expect(problems[0]?.message).toContain(`poolkeeper.dev/${name}`);
  });

  it('knows what a misspelt annotation was meant to be', () => {
    expect(read('drain-second', '5').problems).toMatchObject([
      { code: 'SPEC_BAD_ANNOTATION', remedy: 'Did you mean "poolkeeper.dev/drain-seconds"?' },
    ]);
    expect(read('weight', '5').problems[0]?.remedy).toContain('poolkeeper.dev/health');
  });

  it('tells every problem at once and keeps what is right', () => {
    const { settings, problems } = readSettings({
      'poolkeeper.dev/health': 'x',
      'poolkeeper.dev/foo': 'x',
      'poolkeeper.dev/register': 'false',
    });
    expect(settings).toEqual({ register: false });
    expect(problems).toHaveLength(2);
  });
});
