import { describe, expect, it } from 'vitest';
import { revision, specId } from '../../../src/core/model/ids.ts';
import type { SpecSource } from '../../../src/core/model/ports.ts';
import type { Snapshot } from '../../../src/core/model/snapshot.ts';
import type { SpecFile, SpecFiles, SpecSet } from '../../../src/core/model/spec-set.ts';
import { changedSpecs, SpecPoller } from '../../../src/run/spec-poller.ts';
import { problem } from '../../../src/shared/problem.ts';
import { complete, service, spec, specSet, stale, unavailable } from '../../support/builders.ts';

const signal = new AbortController().signal;
const files = (id: string, ...names: readonly string[]): SpecFiles => ({
  revision: revision(id),
  source: 's',
  files: names.map((name) => ({
    id: specId(name),
    blobId: `${id}-${name}`,
    content: { kind: 'refused', problem: problem('SPEC_EMPTY', 'x') },
  })),
  commits: [],
  problems: id === 'r3' ? [problem('GIT_HISTORY_REWRITTEN', 'x')] : [],
  movedAfterMs: 10,
  fetchedAtMs: 20,
});
const decode = (from: SpecFiles): SpecSet => ({
  ...specSet(from.files.map(({ id, blobId }) => ({ ...spec(id, service(id)), blobId }))),
  revision: from.revision,
});

/** A poller on answers given in advance; counts how often something was decoded. */
function open(...answers: readonly Snapshot<SpecFiles>[]): {
  readonly poller: SpecPoller;
  readonly decoded: () => number;
  readonly asked: string[];
} {
  let decoded = 0;
  const asked: string[] = [];
  const left = [...answers];
  const source = {
    read: async (since: string): Promise<Snapshot<SpecFiles>> => {
      asked.push(since);
      return left.shift() ?? unavailable();
    },
  };
  const count = (from: SpecFiles): SpecSet => {
    decoded++;
    return decode(from);
  };
  return { poller: new SpecPoller(source, count, { now: () => 30, random: () => 0 }), decoded: () => decoded, asked };
}

describe('SpecPoller', () => {
  it('tells which files a head touched, broken ones and removed ones included, but for the first head', async () => {
    const set = decode(files('r2', 'a'));
    const keep = (id: string, ...names: readonly string[]): SpecFiles => ({
      ...files(id, ...names),
      files: [...files(id, ...names).files, ...files('r0', 'same').files],
    });
    const left = [complete(keep('r1', 'a', 'gone')), complete(keep('r2', 'a', 'broken'))];
    const source = { read: async (): Promise<Snapshot<SpecFiles>> => left.shift() ?? unavailable() };
    const broken = new Map([[specId('broken'), []]]);
    const poller = new SpecPoller(source, ({ revision: id }) => ({ ...set, revision: id, broken }), { now: () => 30, random: () => 0 });
    expect((await poller.poll('', signal)).arrival?.touched).toBeUndefined();
    expect([...((await poller.poll('', signal)).arrival?.touched ?? [])].sort()).toEqual(['a', 'broken', 'gone']);
  });

  it('tells when the first webhook came in since the old head was last seen', async () => {
    let nowMs = 5;
    const heads = [files('r1', 'a'), files('r1', 'a'), files('r2', 'b'), { ...files('r2', 'c'), revision: revision('r4') }];
    const source = { read: async (): Promise<Snapshot<SpecFiles>> => complete(heads.shift() ?? files('r2', 'b')) };
    const poller = new SpecPoller(source, decode, { now: () => nowMs, random: () => 0 });
    const hookAt = (atMs: number): void => {
      nowMs = atMs;
      poller.hooked();
    };
    const webhookAt = async (atMs: number): Promise<number | undefined> => {
      nowMs = atMs;
      return (await poller.poll('', signal)).arrival?.webhookAtMs;
    };
    hookAt(11);
    // Nobody knows how old the first head is.
    expect(await webhookAt(12)).toBeUndefined();
    hookAt(12);
    hookAt(13);
    // Of another branch: nothing is new.
    expect(await webhookAt(14)).toBeUndefined();
    hookAt(14);
    hookAt(15);
    hookAt(16);
    expect(await webhookAt(17)).toBe(14);
    expect(await webhookAt(20)).toBeUndefined();
  });

  it('knows nothing before it has asked', () => {
    expect(open().poller.snapshot()).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_UNREACHABLE' }, sinceMs: 30 });
  });

  it('tells of the first head without saying since when, and of the next ones with what changed', async () => {
    const { poller, asked } = open(complete(files('r1', 'a', 'b')), complete(files('r2', 'b', 'c')));
    expect(await poller.poll('r0', signal)).toEqual({
      changed: true,
      arrival: { revision: 'r1', changed: new Set(['a', 'b']), movedAfterMs: undefined, fetchedAtMs: 20, decodedAtMs: 30 },
    });
    const { arrival } = await poller.poll('r1', signal);
    expect(arrival).toMatchObject({ revision: 'r2', changed: new Set(['a', 'b', 'c']), movedAfterMs: 10 });
    expect(asked).toEqual(['r0', 'r1']);
  });

  it('decodes the same answer once, and calls it no change', async () => {
    const same = files('r1', 'a');
    const { poller, decoded } = open(complete(same), complete(same));
    await poller.poll('', signal);
    expect(await poller.poll('', signal)).toEqual({ changed: false, arrival: undefined });
    expect(decoded()).toBe(1);
  });

  it('calls a loss and a return of the source a change, and keeps the last answer while it is stale', async () => {
    const same = files('r1', 'a');
    const { poller } = open(complete(same), stale(same), stale(same), complete(same));
    const changed: boolean[] = [];
    for (let i = 0; i < 4; i++) changed.push((await poller.poll('', signal)).changed);
    expect(changed).toEqual([true, true, false, true]);
    expect(poller.snapshot()).toMatchObject({ kind: 'complete', value: { revision: 'r1' } });
  });

  it('has no specs while the source is unavailable', async () => {
    const { poller } = open(complete(files('r1', 'a')), unavailable());
    await poller.poll('', signal);
    expect(await poller.poll('', signal)).toEqual({ changed: true, arrival: undefined });
    expect(poller.snapshot().kind).toBe('unavailable');
  });

  it('keeps what the read said beside its answer', async () => {
    const { poller } = open(complete(files('r3', 'a')), complete(files('r4', 'a')));
    await poller.poll('', signal);
    expect(poller.problems().map(({ code }) => code)).toEqual(['GIT_HISTORY_REWRITTEN']);
    await poller.poll('', signal);
    expect(poller.problems()).toEqual([]);
  });
});

describe('SpecPoller and the last good versions of broken files', () => {
  const [A, B] = [specId('a'), specId('b')];
  const clock = { now: () => 30, random: () => 0 };
  const version = (id: string, blobId: string): SpecFile => ({
    id: specId(id),
    blobId,
    content: { kind: 'bytes', bytes: Buffer.from(blobId) },
  });
  const head = (id: string, ...all: readonly SpecFile[]): Snapshot<SpecFiles> => complete({ ...files(id), files: all });
  /** A file whose blob id begins with `bad` is broken. */
  const judge = (from: SpecFiles): SpecSet => {
    const isBad = ({ blobId }: SpecFile): boolean => blobId.startsWith('bad');
    const good = from.files.filter((file) => !isBad(file)).map(({ id, blobId }) => ({ ...spec(id, service(id)), blobId }));
    return {
      ...specSet(good, { broken: Object.fromEntries(from.files.filter(isBad).map(({ id }) => [id, []])) }),
      revision: from.revision,
    };
  };
  const goodOf = (poller: SpecPoller): Record<string, string> | undefined => {
    const snapshot = poller.snapshot();
    const good = snapshot.kind === 'unavailable' ? undefined : snapshot.value.lastGood;
    return good === undefined ? undefined : Object.fromEntries([...good].map(([id, { blobId }]) => [id, blobId]));
  };
  function follow(heads: Snapshot<SpecFiles>[], history: readonly SpecFile[] = []) {
    const asked: [string, string][][] = [];
    const source: SpecSource = {
      read: async () => heads.shift() ?? unavailable(),
      recall: async (blobs) => {
        asked.push([...blobs]);
        return history.filter(({ id, blobId }) => blobs.get(id) === blobId);
      },
    };
    return { poller: new SpecPoller(source, judge, clock), asked };
  }

  it('keeps the version of the head before, over several broken ones, until the file is good or gone', async () => {
    const all = [version('a', 'good1'), version('b', 'good')];
    const heads = [
      head('r1', ...all),
      head('r2', version('a', 'bad1')),
      head('r4', version('a', 'bad2')),
      head('r5', version('a', 'good2')),
    ];
    const { poller, asked } = follow([...heads, head('r6', version('a', 'bad3')), head('r7')]);
    const seen: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      await poller.poll('', signal);
      seen.push(goodOf(poller));
    }
    expect(seen).toEqual([undefined, { a: 'good1' }, { a: 'good1' }, undefined, { a: 'good2' }, undefined]);
    expect(asked).toEqual([]);
  });

  it('has the versions that an earlier process remembered looked for, each once', async () => {
    const same = head('r2', version('a', 'bad'), version('b', 'bad'));
    const { poller, asked } = follow([same, same, same], [version('a', 'good')]);
    expect((await poller.poll('', signal)).changed).toBe(true);
    expect(goodOf(poller)).toBeUndefined();
    poller.remembered({ [A]: 'good', [B]: 'lost', [specId('c')]: 'of no broken file' });
    expect((await poller.poll('', signal)).changed).toBe(true);
    expect(goodOf(poller)).toEqual({ a: 'good' });
    expect((await poller.poll('', signal)).changed).toBe(false);
    expect(asked).toEqual([
      [
        [A, 'good'],
        [B, 'lost'],
      ],
    ]);
  });

  it('asks again for what Git could not tell, and for the rest of many at the next look', async () => {
    const ids = Array.from({ length: 10 }, (_, i) => `f${i}`);
    const asked: number[] = [];
    const source: SpecSource = {
      read: async () => head('r2', ...ids.map((id) => version(id, 'bad'))),
      recall: async (blobs) => {
        asked.push(blobs.size);
        if (asked.length === 1) throw new Error('no answer');
        return [...blobs].map(([id, blobId]) => version(id, blobId));
      },
    };
    const poller = new SpecPoller(source, judge, clock);
    poller.remembered(Object.fromEntries(ids.map((id) => [id, 'good'])));
    const known: number[] = [];
    for (let i = 0; i < 4; i++) {
      await poller.poll('', signal);
      known.push(Object.keys(goodOf(poller) ?? {}).length);
    }
    expect({ asked, known }).toEqual({ asked: [8, 8, 2], known: [0, 8, 10, 10] });
  });

  it('does without a version that is not good either, and without a history', async () => {
    const { poller } = follow([head('r2', version('a', 'bad'))], [version('a', 'bad too')]);
    poller.remembered({ [A]: 'bad too' });
    await poller.poll('', signal);
    expect(goodOf(poller)).toBeUndefined();
    const bare = new SpecPoller({ read: async () => head('r2', version('a', 'bad')) }, judge, clock);
    bare.remembered({ [A]: 'good' });
    await bare.poll('', signal);
    expect(goodOf(bare)).toBeUndefined();
  });
});

it('changedSpecs counts what differs by content, has come or has gone, but not what is broken', () => {
  const one = (id: string, blobId: string) => ({ ...spec(id, service('x')), blobId });
  const old = specSet([one('same', '1'), one('changed', '1'), one('gone', '1'), one('broken', '1')]);
  const set = specSet([one('same', '1'), one('changed', '2'), one('new', '1')], { broken: { broken: [] } });
  expect([...changedSpecs(set, old)].sort()).toEqual(['changed', 'gone', 'new']);
  expect([...changedSpecs(set, undefined)].sort()).toEqual(['changed', 'new', 'same']);
});
