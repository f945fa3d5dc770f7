import { afterEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../../src/core/report/explanation.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/create-http-server.ts';
import type { HttpServerOptions } from '../../../src/http/http-server-options.ts';
import { complete, endpoints, service, spec, specSet, world } from '../../support/builders.ts';
import { httpOptions } from '../../support/http-options.ts';
import { settled, why } from '../../support/known-world.ts';
import { runReport } from '../../support/run-report.ts';

let servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
});

const site = settled(world({ specs: complete(specSet([spec('web.json', service('web'))])), endpoints: [endpoints('default/web')] }));

function serve(answer: HttpServerOptions['why'] = ({ kind, value }) => why(site, kind, value)) {
  const server = createHttpServer(
    httpOptions({
      report: () => runReport(),
      why: answer,
    }),
  );
  servers.push(server);
  return server.app;
}

describe('GET /api/v1/why', () => {
  it.each([
    ['url', 'http://web.example.com/a?b=c'],
    ['pool', 'default/web'],
    ['node', 'n1'],
    ['name', 'web'],
  ])('answers about a %s', async (kind, value) => {
    const answer = await serve().inject(`/api/v1/why?${new URLSearchParams({ [kind]: value })}`);
    expect(answer.statusCode).toBe(200);
    expect(answer.json<Explanation>()).toMatchObject({ asked: { kind, value }, verdict: 'in-traffic' });
  });

  it('answers about what nobody knows', async () => {
    const answer = await serve().inject('/api/v1/why?pool=default/wbe');
    expect(answer.json<Explanation>()).toMatchObject({ verdict: 'out', cause: { code: 'not-found', remedy: 'Did you mean default/web?' } });
  });

  it.each([
    ['', 'Nothing is asked about.'],
    ['?what=web', 'Nothing is asked about.'],
    ['?pool=a&node=b', 'More than one thing is asked about.'],
    ['?pool=a&pool=b', 'More than one thing is asked about.'],
    ['?url=gopher://a', 'url is not an http or https URL.'],
    ['?node=', 'node is empty.'],
    ['?commit=4f1c0d', 'commit is not the id of a commit, nor the first 7 or more digits of one.'],
    [`?name=${'a'.repeat(2049)}`, 'name is longer than 2048 characters.'],
    ['?name=a%1Bb', 'name holds control characters.'],
  ])('refuses %j by a problem document', async (query, detail) => {
    const answer = await serve().inject(`/api/v1/why${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ status: 400, detail, remedy: expect.stringContaining('/api/v1/why?url=') });
  });

  it('says so while the first run has not ended', async () => {
    const answer = await serve(() => undefined).inject('/api/v1/why?pool=a');
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
  });
});
