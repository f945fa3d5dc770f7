import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterAdapter } from '../../src/adapters/kubernetes/create-cluster.ts';
import { SERVICE_KIND } from '../../src/core/model/ids.ts';
import { type Snapshot, snapshotValue } from '../../src/core/model/snapshot.ts';
import type { FalseAnswer, SeenRequest } from './cluster-proxy.ts';
import {
  type ApiServer,
  applied,
  CONFIG_MAP,
  change,
  codeOf,
  configMap,
  FAST,
  keyIn,
  live,
  mustLive,
  NO_CLAIMS,
  openRig,
  pathOf,
  type Rig,
  recordDirty,
  remove,
  service,
  unmarked,
} from './cluster-rig.ts';

const MERGE = 'application/merge-patch+json';

/** How the leg lists and watches, and what it says when the API server is not there. */
export function clusterWatchSuite(server: () => ApiServer): void {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(server());
  });
  afterEach(() => rig.close());

  /** The watches of ConfigMaps that have been asked for. */
  const watches = (): readonly SeenRequest[] => rig.proxy.seen().filter(({ isWatch, path }) => isWatch && path.endsWith('/configmaps'));
  const lists = (): readonly SeenRequest[] =>
    rig.proxy.seen().filter(({ isWatch, path, method }) => !isWatch && method === 'GET' && path.endsWith('/configmaps'));
  const isConfigMapWatch = ({ isWatch, path }: SeenRequest): boolean => isWatch && path.endsWith('/configmaps');

  describe('lists and watches', () => {
    it('lists in chunks, with our label only, and knows all of it', async () => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, configMap(rig, name));
      }
      await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, unmarked(configMap(rig, 'stranger')));
      const leg = await rig.open({ listLimit: 2 });
      await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      const snapshot = leg.state().objects.get(CONFIG_MAP);
      expect(snapshot?.kind).toBe('complete');
      expect([...(snapshot === undefined ? [] : (snapshotValue(snapshot)?.values() ?? []))].map(({ name }) => name).sort()).toEqual([
        'a',
        'b',
        'c',
        'd',
        'e',
      ]);
      expect(lists().map(({ query }) => [query.get('limit'), query.has('continue')])).toEqual([
        ['2', false],
        ['2', true],
        ['2', true],
      ]);
    });

    it('resumes an ended watch from its last bookmark, without listing again', async () => {
      const leg = await rig.open({ timings: { ...FAST, watchMs: 4_000 } });
      await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      const connectedAtMs = connectedAt(leg.state().objects.get(CONFIG_MAP));
      const versions = (): readonly bigint[] => watches().map(({ query }) => BigInt(query.get('resourceVersion') ?? '0'));
      let strangers = 0;
      const advanced = async (): Promise<boolean> => {
        // Moves the version without an event for us.
        const stranger = unmarked(configMap(rig, `stranger-${strangers++}`));
        await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, stranger);
        return (versions().at(-1) ?? 0n) > (versions()[0] ?? 0n);
      };
      await expect.poll(advanced, { timeout: 15_000, interval: 300 }).toBe(true);
      expect(watches().every(({ query }) => query.get('allowWatchBookmarks') === 'true')).toBe(true);
      expect(lists().length).toBe(1);
      expect(connectedAt(leg.state().objects.get(CONFIG_MAP))).toBe(connectedAtMs);
    });

    it.each([
      ['the answer', { status: 410, body: gone() }],
      ['the stream', { status: 200, body: `${JSON.stringify({ type: 'ERROR', object: gone() })}\n` }],
    ] as const)('lists again after a 410 in %s, and notices what went meanwhile', async (_, answer) => {
      const leg = await rig.open();
      const { key } = await applied(rig, leg, configMap(rig, 'settings'));
      const dirty = recordDirty(leg);
      let left = 1;
      rig.proxy.answer((request): FalseAnswer | undefined => {
        if (!isConfigMapWatch(request)) return undefined;
        return left-- > 0 ? answer : undefined;
      });
      // The watch is lost, and with it the deletion.
      rig.proxy.cut();
      await rig.call('DELETE', pathOf(configMap(rig, 'settings')));
      await expect.poll(() => live(leg, key), { timeout: 5_000 }).toBeUndefined();
      await expect.poll(() => leg.state().objects.get(CONFIG_MAP)?.kind).toBe('complete');
      expect(dirty.all).toBeGreaterThan(0);
      expect(lists().length).toBeGreaterThan(1);
    });

    it('is stale with the reason while the API server is away, keeps what it knew, and comes back', async () => {
      const leg = await rig.open();
      const { key } = await applied(rig, leg, configMap(rig, 'settings'));
      const before = connectedAt(leg.state().objects.get(CONFIG_MAP));
      const dirty = recordDirty(leg);
      rig.proxy.answer(() => 'cut');
      rig.proxy.cut();
      await expect.poll(() => leg.state().objects.get(CONFIG_MAP)?.kind, { timeout: 5_000 }).toBe('stale');
      await expect
        .poll(() => [leg.state().nodes.kind, leg.state().services.kind, leg.state().endpoints.kind, leg.state().pods.kind], {
          timeout: 5_000,
        })
        .toEqual(['stale', 'stale', 'stale', 'stale']);
      expect(codeOf(leg.state().objects.get(CONFIG_MAP))).toBe('KUBERNETES_UNAVAILABLE');
      expect(live(leg, key)?.name).toBe('settings');
      const stale = stateOfKind(leg, 'stale');
      const tries = (): number => watches().length;
      const triedAgain = async (): Promise<void> => {
        const seen = tries();
        await expect.poll(tries, { timeout: 5_000 }).toBeGreaterThan(seen + 1);
      };
      // It is told a moment after it shows; when it is tried again, all has been. Once for each of the five, however often they are tried.
      await triedAgain();
      const told = dirty.all;
      expect(told).toBeGreaterThan(0);
      await triedAgain();
      expect(stateOfKind(leg, 'stale')).toMatchObject({ sinceMs: stale.sinceMs, readAtMs: stale.readAtMs });
      expect(dirty.all).toBe(told);
      rig.proxy.answer(undefined);
      await expect.poll(() => leg.state().objects.get(CONFIG_MAP)?.kind, { timeout: 5_000 }).toBe('complete');
      expect(connectedAt(leg.state().objects.get(CONFIG_MAP))).toBeGreaterThan(before);
      await expect.poll(() => dirty.all).toBeGreaterThan(told);
    });

    it('is stale where lists are allowed and watches are not, names the missing rule, and goes on by lists', async () => {
      const leg = await rig.open();
      await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      const forbidden =
        'configmaps is forbidden: User "poolkeeper" cannot watch resource "configmaps" in API group "" at the cluster scope';
      rig.proxy.answer((request) =>
        isConfigMapWatch(request)
          ? { status: 403, body: { kind: 'Status', reason: 'Forbidden', message: forbidden, details: { kind: 'configmaps' }, code: 403 } }
          : undefined,
      );
      rig.proxy.cut();
      const reason = { code: 'KUBERNETES_FORBIDDEN', message: expect.stringContaining('forbids "watch" on configmaps in all namespaces') };
      await expect.poll(() => leg.state().objects.get(CONFIG_MAP)).toMatchObject({ kind: 'stale', reason });
      const { sinceMs, readAtMs } = stateOfKind(leg, 'stale');
      await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, configMap(rig, 'theirs'));
      await expect.poll(() => live(leg, keyIn(rig, CONFIG_MAP, 'theirs')), { timeout: 5_000 }).toBeDefined();
      expect(stateOfKind(leg, 'stale')).toMatchObject({ sinceMs, reason });
      expect(stateOfKind(leg, 'stale').readAtMs).toBeGreaterThan(readAtMs);
      rig.proxy.answer(undefined);
      await expect.poll(() => leg.state().objects.get(CONFIG_MAP)?.kind, { timeout: 5_000 }).toBe('complete');
    });

    it('lists in one piece when the server no longer has the state of the first chunk', async () => {
      for (const name of ['a', 'b', 'c']) {
        await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, configMap(rig, name));
      }
      rig.proxy.answer(({ query, path }) =>
        query.has('continue') && path.endsWith('/configmaps') ? { status: 410, body: gone() } : undefined,
      );
      const leg = await rig.open({ listLimit: 2 });
      await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      const snapshot = leg.state().objects.get(CONFIG_MAP);
      expect(snapshot?.kind).toBe('complete');
      expect(snapshot === undefined ? 0 : snapshotValue(snapshot)?.size).toBe(3);
      expect(lists().map(({ query }) => [query.get('limit'), query.has('continue')])).toEqual([
        ['2', false],
        ['2', true],
        [null, false],
      ]);
    });

    it('notices a half-open connection', async () => {
      const leg = await rig.open({ timings: { ...FAST, watchMs: 1_000, watchGraceMs: 500 } });
      rig.proxy.freeze();
      await expect.poll(() => leg.state().nodes.kind, { timeout: 5_000 }).toBe('stale');
      expect(codeOf(leg.state().nodes)).toBe('KUBERNETES_UNAVAILABLE');
      rig.proxy.cut();
      rig.proxy.thaw();
      await expect.poll(() => leg.state().nodes.kind, { timeout: 5_000 }).toBe('complete');
    });

    it.each(['watch', 'list'])('waits as long as a 429 to a %s asks for', async (verb) => {
      const leg = await rig.open();
      if (verb === 'watch') await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      let refusedAtMs = 0;
      let resumedAtMs = 0;
      rig.proxy.answer((request) => {
        if (!request.path.endsWith('/configmaps') || request.isWatch !== (verb === 'watch')) return undefined;
        if (refusedAtMs !== 0) {
          resumedAtMs ||= Date.now();
          return undefined;
        }
        refusedAtMs = Date.now();
        return { status: 429, body: {}, headers: { 'retry-after': '1' } };
      });
      if (verb === 'watch') rig.proxy.cut();
      else await leg.prepare(new Set([CONFIG_MAP]), NO_CLAIMS, rig.signal);
      await expect.poll(() => resumedAtMs, { timeout: 5_000 }).toBeGreaterThan(0);
      expect(resumedAtMs - refusedAtMs).toBeGreaterThanOrEqual(990);
      await expect.poll(() => leg.state().objects.get(CONFIG_MAP)?.kind).toBe('complete');
    });

    it('does not take an answer that is no list for an empty one', async () => {
      rig.proxy.answer(({ path }) =>
        path.endsWith('/services') ? { status: 200, body: { kind: 'Status', status: 'Success' } } : undefined,
      );
      const leg = await rig.open();
      expect(leg.state().services).toMatchObject({ kind: 'unavailable', reason: { code: 'KUBERNETES_UNAVAILABLE' } });
      rig.proxy.answer(undefined);
      await expect.poll(() => leg.state().services.kind).toBe('complete');
    });

    it('never shows less than its own writes, however late the watch is', async () => {
      const leg = await rig.open();
      const first = await applied(rig, leg, configMap(rig, 'settings'));
      const removed = await applied(rig, leg, configMap(rig, 'removed'));
      await expect.poll(() => watches().length).toBeGreaterThan(0);
      rig.proxy.freeze('watches');
      for (const name of ['settings', 'removed']) await rig.call('PATCH', pathOf(configMap(rig, name)), { data: { c: '3' } }, MERGE);
      await leg.apply(change(configMap(rig, 'settings', { a: '2' }), first), rig.signal);
      const { resourceVersion } = metadataOf(await rig.call('GET', pathOf(configMap(rig, 'removed'))));
      expect(await leg.apply(remove({ ...removed, resourceVersion }), rig.signal)).toMatchObject({ kind: 'done', changed: true });
      const written = mustLive(leg, first.key);
      const seen: unknown[] = [];
      leg.changed(() => seen.push([live(leg, first.key) === written, live(leg, removed.key)]));
      await rig.call('POST', `/api/v1/namespaces/${rig.namespace}/configmaps`, configMap(rig, 'marker'));
      rig.proxy.thaw();
      await expect.poll(() => live(leg, keyIn(rig, CONFIG_MAP, 'marker'))).toBeDefined();
      await expect.poll(() => seen.length).toBeGreaterThan(0);
      expect(new Set(seen.map((entry) => JSON.stringify(entry)))).toEqual(new Set(['[true,null]']));
    });

    it('gives out states that do not change any more', async () => {
      const leg = await rig.open();
      const before = leg.state();
      const { key } = await applied(rig, leg, service(rig, 'web'));
      expect(snapshotValue(before.services)?.has(key)).toBe(false);
      expect(snapshotValue(leg.state().services)?.has(key)).toBe(true);
      expect(leg.state().objects.get(SERVICE_KIND)?.kind).toBe('complete');
      expect(Object.isFrozen(mustLive(leg, key).spec)).toBe(true);
    });
  });
}

function gone(): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'too old resource version', reason: 'Expired', code: 410 };
}

/** The state of ConfigMaps, which must be of that kind. */
function stateOfKind<K extends Snapshot<unknown>['kind']>(leg: ClusterAdapter, kind: K): Extract<Snapshot<unknown>, { kind: K }> {
  const snapshot = leg.state().objects.get(CONFIG_MAP);
  if (snapshot?.kind !== kind) throw new Error(`ConfigMaps are ${snapshot?.kind ?? 'not watched'}, not ${kind}`);
  return snapshot as Extract<Snapshot<unknown>, { kind: K }>;
}

const connectedAt = (snapshot: { readonly kind: string } | undefined): number =>
  snapshot !== undefined && 'connectedAtMs' in snapshot && typeof snapshot.connectedAtMs === 'number' ? snapshot.connectedAtMs : Number.NaN;

const metadataOf = (object: Readonly<Record<string, unknown>>): { readonly resourceVersion: string } =>
  object['metadata'] as { readonly resourceVersion: string };
