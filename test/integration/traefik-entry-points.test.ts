import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { instancesOf, prepareSite, type Site } from '../support/site.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';

const NAME = 'entry-points';
const APP = `web-${NAME}`;
const ODD = `odd-${NAME}`;

/** A route of Traefik 3 on both entry points. */
const onBoth = (name: string, entryPoints: string): Readonly<Record<string, string>> => ({
  [`traefik.http.routers.${name}.rule`]: `Host(\`${name}.example.com\`)`,
  [`traefik.http.routers.${name}.entrypoints`]: entryPoints,
});

describe('the entry points of Traefik, read from its API', () => {
  const stack = inject('stack');
  let site: Site;
  let traefik: TraefikServer;

  beforeAll(async () => {
    // The most usual set-up of Traefik 3: one entry point gives TLS to every router that is on it.
    traefik = await startTraefik({ consulUrl: stack.consulUrl, extraArgs: ['--entrypoints.websecure.http.tls=true'] });
    const files = {
      'web.yaml': appManifest(APP, { annotations: onBoth(APP, 'web,websecure') }),
      'odd.yaml': appManifest(ODD, { annotations: onBoth(ODD, 'nowhere') }),
    };
    const env = { POOLKEEPER_TRAEFIK_API: `[{name: edge, url: "${traefik.apiUrl}"}]`, POOLKEEPER_TRAEFIK_LET_GO: '3s' };
    site = await prepareSite({ stack, name: NAME, files, env });
    await site.daemon.start();
    await waitUntil('the app in Consul', async () => ((await instancesOf(stack, APP)).length === 3 ? true : undefined));
  });
  afterAll(async () => {
    await site?.remove();
    await traefik?.stop();
  });

  const replicaOf = (report: RunReport): string | undefined =>
    report.pools.find(({ pool }) => pool === `${NAME}/${APP}`)?.replicas?.[0]?.state;

  it('tell which routers Traefik makes of one: it is in step though one of them has another name', async () => {
    const report = await site.daemon.waitFor('the app in step', (one) => replicaOf(one) === 'in-step');
    const routers = Object.keys(((await (await fetch(`${traefik.apiUrl}/api/rawdata`)).json()) as { routers: object }).routers);
    expect(routers).toContain(`websecure-${APP}@consulcatalog`);
    expect(report.gateways).toMatchObject([{ replica: 'edge', state: 'in-step' }]);
  });

  it('set a pool aside whose only entry point there is not, before anything is written', async () => {
    const report = await site.daemon.waitFor('the conflict', ({ specs }) =>
      specs.some(({ problems }) => problems.some(({ code }) => code === 'ROUTE_CONFLICT')),
    );
    const told = report.specs.flatMap(({ problems }) => problems.map(({ code, message }) => `${code} ${message}`));
    expect(told).toEqual([
      expect.stringContaining('entryPoint "nowhere" doesn\'t exist'),
      expect.stringContaining('no valid entryPoint for this router'),
    ]);
    expect(await instancesOf(stack, ODD)).toEqual([]);
  });
});
