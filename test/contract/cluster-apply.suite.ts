import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fieldManager, MARKS } from '../../src/core/model/marks.ts';
import { keyOfObject } from '../../src/core/model/objects.ts';
import {
  type ApiServer,
  applied,
  change,
  claimsOf,
  codeOf,
  configMap,
  create,
  deployment,
  live,
  mustLive,
  openRig,
  pathOf,
  type Rig,
  remove,
  service,
  unmarked,
} from './cluster-rig.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

/** How the leg writes: creates, changes, adopts, deletes, and what it makes of refusals. */
export function clusterApplySuite(server: () => ApiServer): void {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(server());
  });
  afterEach(() => rig.close());

  describe('applying', () => {
    it('creates an object and knows the answer when it returns', async () => {
      const leg = await rig.open();
      const object = deployment(rig, 'web');
      const found = await applied(rig, leg, object);
      expect(found).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', deleting: false });
      expect(found.ourFields).toMatchObject({ 'f:spec': { 'f:replicas': {} } });
      expect(found.managers).toContainEqual({ name: fieldManager(rig.owner), operation: 'Apply', subresource: '', ownsReplicas: true });
      expect(found.spec).toMatchObject({ replicas: 0, selector: { matchLabels: { app: 'web' } } });
    });

    it('changes nothing when the same is applied again', async () => {
      const leg = await rig.open();
      const object = service(rig, 'web');
      const first = await applied(rig, leg, object);
      expect(first.spec['ports']).toMatchObject([{ nodePort: expect.any(Number) }]);
      expect(await leg.apply(change(object, first), rig.signal)).toMatchObject({ kind: 'done', changed: false });
      expect(mustLive(leg, first.key).resourceVersion).toBe(first.resourceVersion);
    });

    it('sees a field of ours that somebody else changed, and takes it back', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings', { a: '1', b: '2' });
      const { key } = await applied(rig, leg, object);
      await rig.call('PATCH', `${pathOf(object)}?fieldManager=kubectl-edit`, { data: { a: 'other' } }, MERGE);
      await expect.poll(() => live(leg, key)?.ourFields?.['f:data']).toEqual({ 'f:b': {} });
      const result = await leg.apply(change(object, mustLive(leg, key), { why: 'drift' }), rig.signal);
      expect(result).toMatchObject({ kind: 'done', changed: true });
      expect(mustLive(leg, key).ourFields?.['f:data']).toEqual({ 'f:a': {}, 'f:b': {} });
      expect(await rig.call('GET', pathOf(object))).toMatchObject({ data: { a: '1', b: '2' } });
    });

    it('writes nothing without the lease', async () => {
      const leg = await rig.open({
        lease: { state: () => ({ held: false, holder: 'other' }), changed: () => () => undefined, release: async () => undefined },
      });
      const object = configMap(rig, 'settings');
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      rig.proxy.forget();
      expect(codeOf(await leg.apply(create(object), rig.signal))).toBe('LEASE_HELD_ELSEWHERE');
      expect(rig.proxy.seen().filter(({ method }) => method !== 'GET')).toEqual([]);
    });

    it('sends the body as it was written', async () => {
      const leg = await rig.open();
      const object = deployment(rig, 'web', { replicass: 1 });
      const result = await leg.apply(create(object), rig.signal);
      expect(result).toMatchObject({
        kind: 'failed',
        problem: { code: 'KUBERNETES_REFUSED', message: expect.stringContaining('.spec.replicass') },
      });
    });
  });

  describe('refusals', () => {
    it('names every field that is wrong', async () => {
      const leg = await rig.open();
      const object = deployment(rig, 'web', { selector: { matchLabels: { app: 'other' } } });
      const result = await leg.apply(create(object), rig.signal);
      expect(result).toMatchObject({
        kind: 'failed',
        problem: { code: 'KUBERNETES_REFUSED', next: 'fix-spec', message: expect.stringContaining('spec.template.metadata.labels') },
      });
    });

    it('tells that the namespace is missing', async () => {
      const leg = await rig.open();
      const object = configMap({ ...rig, namespace: `${rig.namespace}-missing` }, 'settings');
      const result = await leg.apply(create(object), rig.signal);
      const remedy = expect.stringContaining(`${rig.namespace}-missing`);
      expect(result).toMatchObject({ kind: 'failed', problem: { code: 'KUBERNETES_REFUSED', remedy } });
    });

    it('tells that the kind is not served', async () => {
      const leg = await rig.open();
      const object = { ...configMap(rig, 'settings'), apiVersion: 'nowhere.example/v1', kind: 'Widget' };
      expect(codeOf(await leg.apply(create(object), rig.signal))).toBe('KUBERNETES_UNKNOWN_KIND');
    });

    it('does not change another object of the same name', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      const first = await applied(rig, leg, object);
      const changed = configMap(rig, 'settings', { a: '2' });
      const otherUid = change(changed, { ...first, uid: '00000000-0000-0000-0000-000000000000' });
      expect(codeOf(await leg.apply(otherUid, rig.signal))).toBe('KUBERNETES_CONFLICT');
      await leg.apply(remove(first), rig.signal);
      expect(codeOf(await leg.apply(change(changed, first), rig.signal))).toBe('KUBERNETES_CONFLICT');
    });

    it('does not change another version than the plan saw, when it says so', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      const first = await applied(rig, leg, object);
      await rig.call('PATCH', pathOf(object), { data: { c: '3' } }, MERGE);
      const { uid, resourceVersion } = first;
      const pinned = change(configMap(rig, 'settings', { a: '2' }), first, { existing: { uid, resourceVersion, pinVersion: true } });
      expect(codeOf(await leg.apply(pinned, rig.signal))).toBe('KUBERNETES_CONFLICT');
    });

    it('shows an object as it is once a change of it came too late, however far behind the watch is', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      const first = await applied(rig, leg, object);
      const pin = ({ uid, resourceVersion }: typeof first) => ({ existing: { uid, resourceVersion, pinVersion: true } });
      rig.proxy.freeze('watches');
      await rig.call('PATCH', pathOf(object), { data: { c: '3' } }, MERGE);
      const wanted = configMap(rig, 'settings', { a: '2' });
      expect(codeOf(await leg.apply(change(wanted, first, pin(first)), rig.signal))).toBe('KUBERNETES_CONFLICT');
      const seen = mustLive(leg, first.key);
      expect(seen.resourceVersion).not.toBe(first.resourceVersion);
      expect(await leg.apply(change(wanted, seen, pin(seen)), rig.signal)).toMatchObject({ kind: 'done', changed: true });
      await rig.call('DELETE', pathOf(object));
      expect(codeOf(await leg.apply(change(object, seen), rig.signal))).toBe('KUBERNETES_CONFLICT');
      expect(live(leg, first.key)).toBeUndefined();
    });

    it('reports an API server that does not answer', async () => {
      const leg = await rig.open();
      rig.proxy.answer(() => 'cut');
      expect(codeOf(await leg.apply(create(configMap(rig, 'settings')), rig.signal))).toBe('KUBERNETES_UNAVAILABLE');
    });

    it('throws only when it is aborted', async () => {
      const leg = await rig.open();
      const stop = new AbortController();
      rig.proxy.freeze();
      const applying = leg.apply(create(configMap(rig, 'settings')), stop.signal);
      stop.abort();
      await expect(applying).rejects.toMatchObject({ name: 'AbortError' });
      rig.proxy.thaw();
    });
  });

  describe('trying', () => {
    it('writes nothing, needs no lease, and leaves what is known as it is', async () => {
      const leg = await rig.open();
      const settings = configMap(rig, 'settings');
      const first = await applied(rig, leg, settings);
      const other = await rig.open({
        lease: { state: () => ({ held: false, holder: 'other' }), changed: () => () => undefined, release: async () => undefined },
      });
      await other.prepare(new Set(), claimsOf(settings), rig.signal);
      const taken = { kind: 'done', changed: false };
      expect(await other.check(change(configMap(rig, 'settings', { a: '2' }), first), rig.signal)).toEqual(taken);
      expect(await other.check(create(deployment(rig, 'web')), rig.signal)).toEqual(taken);
      expect(await rig.call('GET', pathOf(settings))).toMatchObject({
        data: { a: '1' },
        metadata: { resourceVersion: first.resourceVersion },
      });
      await expect(rig.call('GET', pathOf(deployment(rig, 'web')))).rejects.toThrow('404');
      expect(mustLive(other, first.key).resourceVersion).toBe(first.resourceVersion);
    });

    it('says what applying would say', async () => {
      const leg = await rig.open();
      const refused = async (object: ReturnType<typeof deployment>): Promise<string | undefined> => {
        const result = await leg.check(create(object), rig.signal);
        return result.kind === 'failed' ? `${result.problem.code} ${result.problem.message}` : undefined;
      };
      expect(await refused(deployment(rig, 'web', { replicass: 1 }))).toMatch(
        /^KUBERNETES_REFUSED .*\.spec\.replicass: field not declared/,
      );
      expect(await refused(deployment(rig, 'web', { selector: { matchLabels: { app: 'other' } } }))).toMatch(
        /^KUBERNETES_REFUSED .*spec\.template\.metadata\.labels/,
      );
      expect(await refused({ ...configMap(rig, 'settings'), apiVersion: 'nowhere.example/v1', kind: 'Widget' })).toMatch(
        /^KUBERNETES_UNKNOWN_KIND/,
      );
      rig.proxy.answer(() => 'cut');
      expect(await refused(configMap(rig, 'settings'))).toMatch(/^KUBERNETES_UNAVAILABLE/);
    });

    it.each([
      ['clashes', 'theirs'],
      ['does not', 'ours'],
    ])("refuses to make what has become a stranger's whose field %s, and knows it from then on", async (_, value) => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings', { a: 'ours' });
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      const theirs = { ...unmarked(object), data: { a: value } };
      const before = await rig.call('PATCH', `${pathOf(object)}?fieldManager=someone`, theirs, APPLY);
      const result = await leg.check(create(object), rig.signal);
      expect(result).toMatchObject({ kind: 'failed', problem: { code: 'OBJECT_NOT_OURS', message: expect.stringContaining('someone') } });
      expect(await rig.call('GET', pathOf(object))).toEqual(before);
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      const stranger = mustLive(leg, keyOfObject(object));
      expect(await leg.check(change(object, stranger, { why: 'adopt', takeFrom: ['someone'] }), rig.signal)).toMatchObject({
        kind: 'done',
      });
    });
  });

  describe('strangers', () => {
    it('leaves a stranger alone whose field clashes, and names him', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings', { a: 'ours' });
      const theirs = await rig.call(
        'PATCH',
        `${pathOf(object)}?fieldManager=someone`,
        { ...unmarked(object), data: { a: 'theirs' } },
        APPLY,
      );
      const result = await leg.apply(create(object), rig.signal);
      expect(result).toMatchObject({
        kind: 'failed',
        problem: { code: 'OBJECT_NOT_OURS', message: expect.stringMatching(/someone.*data\.a/) },
      });
      expect(await rig.call('GET', pathOf(object))).toEqual(theirs);
    });

    it('leaves nothing of ours in a stranger where no field clashes', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings', { a: 'same', b: 'ours' });
      await rig.call('PATCH', `${pathOf(object)}?fieldManager=someone`, { ...unmarked(object), data: { a: 'same' } }, APPLY);
      const result = await leg.apply(create(object), rig.signal);
      expect(result).toMatchObject({ kind: 'failed', problem: { code: 'OBJECT_NOT_OURS', message: expect.stringContaining('someone') } });
      const after = await rig.call('GET', pathOf(object));
      expect(after['data']).toEqual({ a: 'same' });
      expect(JSON.stringify(after)).not.toContain(MARKS.ownerLabel);
      expect(JSON.stringify(after)).not.toContain(fieldManager(rig.owner));
    });

    it.each([
      ['an update', (object: string) => ['PUT', `${object}?fieldManager=kubectl-client-side-apply`, undefined] as const],
      ['an apply', (object: string) => ['PATCH', `${object}?fieldManager=kubectl-client-side-apply`, APPLY] as const],
    ])('takes over an object that was written by %s, with what only the other had set', async (_, write) => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings', { a: 'ours' });
      const theirs = { ...unmarked(object), data: { a: 'theirs', old: 'theirs' } };
      const [method, path, type] = write(pathOf(object));
      if (method === 'PUT') await rig.call('POST', `${parentOf(pathOf(object))}?fieldManager=kubectl-client-side-apply`, theirs);
      else await rig.call(method, path, theirs, type);
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      const stranger = mustLive(leg, keyOfObject(object));
      const { uid, resourceVersion } = stranger;
      const action = change(object, stranger, {
        why: 'adopt',
        takeFrom: ['kubectl-client-side-apply'],
        existing: { uid, resourceVersion, pinVersion: true },
      });
      expect(await leg.apply(action, rig.signal)).toMatchObject({ kind: 'done', changed: true });
      expect(await rig.call('GET', pathOf(object))).toMatchObject({ data: { a: 'ours' } });
      const adopted = mustLive(leg, stranger.key);
      expect(adopted.managers.map(({ name }) => name)).toEqual([fieldManager(rig.owner)]);
      expect(adopted.ourFields?.['f:data']).toEqual({ 'f:a': {} });
    });

    it('does not take over an object that has changed since the plan', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      await rig.call('POST', `${parentOf(pathOf(object))}?fieldManager=kubectl`, unmarked(object));
      await leg.prepare(new Set(), claimsOf(object), rig.signal);
      const { uid, resourceVersion, key } = mustLive(leg, keyOfObject(object));
      await rig.call('PATCH', pathOf(object), { data: { c: '3' } }, MERGE);
      const existing = { uid, resourceVersion, pinVersion: true };
      const action = change(object, mustLive(leg, key), { why: 'adopt', takeFrom: ['kubectl'], existing });
      expect(codeOf(await leg.apply(action, rig.signal))).toBe('KUBERNETES_CONFLICT');
      // By now it is known as it is, so that the next pass may try again.
      const seen = mustLive(leg, key);
      const again = { uid: seen.uid, resourceVersion: seen.resourceVersion, pinVersion: true };
      const next = change(object, seen, { why: 'adopt', takeFrom: ['kubectl'], existing: again });
      expect(await leg.apply(next, rig.signal)).toMatchObject({ kind: 'done', changed: true });
    });
  });

  describe('deleting', () => {
    it('deletes what the plan saw, and knows it at once', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      const first = await applied(rig, leg, object);
      expect(await leg.apply(remove(first), rig.signal)).toMatchObject({ kind: 'done', changed: true });
      expect(live(leg, first.key)).toBeUndefined();
      expect(await leg.apply(remove(first), rig.signal)).toMatchObject({ kind: 'done', changed: false });
    });

    it('does not delete another version or another object of that name', async () => {
      const leg = await rig.open();
      const object = configMap(rig, 'settings');
      const first = await applied(rig, leg, object);
      await rig.call('PATCH', pathOf(object), { data: { c: '3' } }, MERGE);
      expect(codeOf(await leg.apply(remove(first), rig.signal))).toBe('KUBERNETES_CONFLICT');
      const otherUid = { ...mustLive(leg, first.key), uid: '00000000-0000-0000-0000-000000000000' };
      expect(codeOf(await leg.apply(remove(otherUid), rig.signal))).toBe('KUBERNETES_CONFLICT');
      expect(await rig.call('GET', pathOf(object))).toMatchObject({ data: { a: '1', c: '3' } });
    });
  });
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
