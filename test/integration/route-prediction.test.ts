import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuidOf } from '../../src/core/model/hash.ts';
import { predictRoutes } from '../../src/core/routes/predict-routes.ts';
import type { PredictedRoutes, TraefikSettings } from '../../src/core/routes/predicted-routes.ts';
import type { RoutedInstance } from '../../src/core/routes/route-model.ts';
import { type ConsulServer, startConsul } from '../support/consul.ts';
import { freePort } from '../support/free-port.ts';
import { routeCatalogs } from '../support/route-catalogs.ts';
import {
  type CatalogNode,
  type Comparison,
  compareRoutes,
  instanceOperations,
  nodeDeletion,
  nodeOperation,
  readRawData,
  runTransactions,
} from '../support/route-prediction.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';
import { waitUntil } from '../support/wait-until.ts';

/** How many catalogs are compared: `ROUTE_CATALOGS=100` for a quick look. Another seed makes others: `ROUTE_SEED=7`. */
const CATALOGS = Number(process.env['ROUTE_CATALOGS'] ?? 2000);
const SEED = Number(process.env['ROUTE_SEED'] ?? 20_260);
const AT_ONCE = 100;

const ENTRY_POINTS = [
  { name: 'web', asDefault: true },
  { name: 'websecure', asDefault: true },
  { name: 'traefik' },
  { name: 'db' },
  { name: 'dns', protocol: 'udp' },
] as const;
const KNOWN = { middlewares: [], services: [], serversTransports: [], tlsOptions: [] };

/** Two Traefiks that read the same catalog in different ways. */
const SETTINGS: Readonly<Record<string, TraefikSettings>> = {
  plain: { exposedByDefault: false, entryPoints: ENTRY_POINTS, known: KNOWN },
  other: {
    exposedByDefault: true,
    constraints: '!Tag(`hidden`) && !TagRegex(`^bl.e$`)',
    strictChecks: ['passing'],
    defaultRule: 'Host(`{{ .Name | lower }}.apps.example`)',
    entryPoints: ENTRY_POINTS.map((entryPoint) => (entryPoint.name === 'websecure' ? { ...entryPoint, tls: {} } : entryPoint)),
    known: KNOWN,
  },
};
const ARGS: Readonly<Record<string, readonly string[]>> = {
  plain: [],
  other: [
    '--providers.consulcatalog.exposedByDefault=true',
    '--providers.consulcatalog.constraints=!Tag(`hidden`) && !TagRegex(`^bl.e$`)',
    '--providers.consulcatalog.strictChecks=passing',
    '--providers.consulcatalog.defaultRule=Host(`{{ .Name | lower }}.apps.example`)',
    '--entrypoints.websecure.http.tls=true',
  ],
};

const nodesOf = (batch: number): readonly CatalogNode[] =>
  [0, 1, 2, 3].map((at) => {
    const name = `batch-${batch}-n${at}`;
    return { name, id: uuidOf(name), address: `10.1.${batch % 250}.${at + 1}` };
  });

describe('predicted routes', () => {
  let consul: ConsulServer;
  const traefiks = new Map<string, TraefikServer>();

  beforeAll(async () => {
    consul = await startConsul();
    for (const [name, args] of Object.entries(ARGS)) {
      const [db, dns] = [await freePort(), await freePort()];
      const extraArgs = [
        '--entrypoints.web.asDefault=true',
        '--entrypoints.websecure.asDefault=true',
        `--entrypoints.db.address=127.0.0.1:${db}`,
        `--entrypoints.dns.address=127.0.0.1:${dns}/udp`,
        '--providers.providersThrottleDuration=50ms',
        '--log.level=ERROR',
        ...args,
      ];
      traefiks.set(name, await startTraefik({ consulUrl: consul.consulUrl, refresh: { kind: 'poll', intervalMs: 300 }, extraArgs }));
    }
  });
  afterAll(async () => {
    await Promise.all([...traefiks.values()].map((traefik) => traefik.stop()));
    await consul?.stop();
  });

  /** Writes the instances, and resolves when the Traefik has read all of them. */
  async function compareAll(batch: number, instances: readonly RoutedInstance[]): Promise<readonly Comparison[]> {
    const nodes = nodesOf(batch);
    const sentinel = sentinelOf(batch, nodes);
    await runTransactions(consul.consulUrl, [...nodes.map(nodeOperation), ...instances.flatMap(instanceOperations)]);
    await runTransactions(consul.consulUrl, instanceOperations(sentinel));
    const addresses = new Map(nodes.map(({ name, address }) => [name, address]));
    const seen = [...instances, sentinel].map((instance) => ({
      ...instance,
      address: instance.address || (addresses.get(instance.consulNode) ?? ''),
    }));
    const comparisons = await Promise.all(
      [...traefiks].map(async ([name, { apiUrl }]) => {
        const raw = await waitUntil(`${name} to read batch ${batch}`, async () => {
          const read = await readRawData(apiUrl);
          return read['services']?.[`${sentinel.service}@consulcatalog`] === undefined ? undefined : read;
        });
        return compareRoutes(predictRoutes(seen, SETTINGS[name]), raw);
      }),
    );
    await runTransactions(consul.consulUrl, nodes.map(nodeDeletion));
    return comparisons;
  }

  it(`are those of Traefik, for ${CATALOGS} catalogs of seed ${SEED}`, { timeout: 20 * 60_000 }, async () => {
    const total = { objects: 0, faulty: 0, catalogs: 0 };
    const differing: string[] = [];
    for (let batch = 0; batch * AT_ONCE < CATALOGS; batch += 1) {
      const catalogs = routeCatalogs(Math.min(AT_ONCE, CATALOGS - batch * AT_ONCE), SEED + batch, nodesOf(batch)).filter(
        ({ instances }) => !Object.values(SETTINGS).some((settings) => dependsOnChance(predictRoutes(instances, settings))),
      );
      total.catalogs += catalogs.length;
      for (const comparison of await compareAll(
        batch,
        catalogs.flatMap(({ instances }) => instances),
      )) {
        total.objects += comparison.objects;
        total.faulty += comparison.faulty;
        differing.push(...comparison.differing.map((text) => `seed ${SEED + batch}: ${text}`));
      }
    }
    process.stdout.write(`${JSON.stringify({ seed: SEED, ...total, differing: differing.length })}\n`);
    expect(differing.slice(0, 20).join('\n')).toBe('');
    expect(total.catalogs).toBeGreaterThan(CATALOGS * 0.9);
    expect(total.objects).toBeGreaterThan(CATALOGS * 4);
    expect(total.faulty).toBeGreaterThan(total.objects / 20);
  });

  it('are not taken by Traefik while a tag breaks it, as foretold', async () => {
    const nodes = nodesOf(9_000);
    const [node = { name: '', id: '', address: '' }] = nodes;
    const breaking = {
      ...sentinelOf(9_000, nodes),
      id: 'breaking',
      service: 'breaking',
      tags: ['traefik.enable=true', 'traefik.http.routers.a].rule=x'],
    };
    const later = sentinelOf(9_000, nodes);
    const served = async (name: string): Promise<boolean> => {
      const read = await Promise.all([...traefiks.values()].map(({ apiUrl }) => readRawData(apiUrl)));
      return read.every((raw) => raw['services']?.[`${name}@consulcatalog`] !== undefined);
    };
    await runTransactions(consul.consulUrl, [nodeOperation(node), ...instanceOperations(breaking)]);
    const log = (): Promise<readonly string[]> => Promise.all([...traefiks.values()].map(({ logFile }) => readFile(logFile, 'utf8')));
    await waitUntil('both Traefiks to break', async () =>
      (await log()).every((text) => text.includes('panic in operation')) ? true : undefined,
    );
    await runTransactions(consul.consulUrl, instanceOperations(later));
    const tries = (texts: readonly string[]): number => Math.min(...texts.map((text) => text.split('panic in operation').length));
    const before = tries(await log());
    await waitUntil('both to try once more', async () => (tries(await log()) > before ? true : undefined));
    expect(await served(later.service)).toBe(false);
    const predicted = predictRoutes([breaking, later], SETTINGS['plain']);
    expect(predicted.dropped.map(({ reason, what }) => ({ reason, what }))).toEqual([
      { reason: 'freeze', what: `instance breaking on ${node.name}` },
    ]);
    await runTransactions(consul.consulUrl, [
      { Service: { Verb: 'delete', Node: node.name, Service: { ID: breaking.id, Service: breaking.service } } },
    ]);
    await waitUntil('both to go on', async () => ((await served(later.service)) ? true : undefined), { timeoutMs: 60_000 });
    await runTransactions(consul.consulUrl, nodes.slice(0, 1).map(nodeDeletion));
  });
});

const dependsOnChance = ({ dropped }: PredictedRoutes): boolean => dropped.some(({ reason }) => reason === 'chance' || reason === 'freeze');

/** An instance that is written last: a Traefik that has it has all the others. */
function sentinelOf(batch: number, nodes: readonly CatalogNode[]): RoutedInstance {
  const [{ name, id, address } = { name: '', id: '', address: '' }] = nodes;
  const service = `sentinel-${batch}`;
  return { consulNode: name, nodeId: id, id: service, service, address, port: 1, tags: ['traefik.enable=true'], status: 'passing' };
}
