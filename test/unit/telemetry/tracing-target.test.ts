import { describe, expect, it } from 'vitest';
import { headerSecretsOf, tracesUrl } from '../../../src/telemetry/tracing-target.ts';

const BASE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const WHOLE = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

describe('where traces go', () => {
  it.each<readonly [string | undefined, Readonly<Record<string, string>>, string | undefined]>([
    [undefined, {}, undefined],
    ['http://collector:4318', {}, 'http://collector:4318/v1/traces'],
    ['https://collector/otlp/', {}, 'https://collector/otlp/v1/traces'],
    ['http://collector:4318/v1/traces', {}, 'http://collector:4318/v1/traces'],
    [undefined, { [BASE]: 'http://c:4318/' }, 'http://c:4318/v1/traces'],
    [undefined, { [BASE]: 'http://c:4318', [WHOLE]: 'http://t:4318/in' }, 'http://t:4318/in'],
    ['http://configured', { [BASE]: 'http://c', [WHOLE]: 'http://t' }, 'http://configured/v1/traces'],
    [undefined, { [BASE]: '' }, undefined],
    [undefined, { [BASE]: 'collector:4317' }, undefined],
    [undefined, { [BASE]: 'http://c', OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    [undefined, { [BASE]: 'http://c', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    ['http://configured', { OTEL_SDK_DISABLED: 'true' }, 'http://configured/v1/traces'],
  ])('is told by the option %s and the variables %j: %s', (endpoint, env, url) => {
    expect(tracesUrl(endpoint, env)).toBe(url);
  });

  it('knows which parts of headers in the environment are secret', () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20t0ken%3D,x-tenant=ops' };
    expect(headerSecretsOf(env)).toEqual(['Bearer t0ken=', 't0ken=', 'ops']);
    expect(headerSecretsOf({})).toEqual([]);
  });
});
