import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complete, openFolderRig, PATIENCE_MS, type Rig, steady } from './spec-source-rig.ts';

/** A commit of a history: which earlier ones it was made from, when, and what it writes. */
interface MadeCommit {
  /** Indexes among the commits before it; none begins a new history. */
  readonly parents: readonly number[];
  readonly seconds: number;
  readonly file: number;
}

const COMMITS = 12;

const madeCommit = (index: number): fc.Arbitrary<MadeCommit> =>
  fc.record({
    // Mostly the one before, so that there are chains to go on from.
    parents:
      index === 0
        ? fc.constant([])
        : fc.oneof(
            { weight: 4, arbitrary: fc.constant([index - 1]) },
            { weight: 4, arbitrary: fc.uniqueArray(fc.nat(index - 1), { minLength: 1, maxLength: 2 }) },
            { weight: 1, arbitrary: fc.constant([]) },
          ),
    // Few enough that commits are made in one second, and before those that they are made from.
    seconds: fc.nat(6),
    file: fc.nat(3),
  });

const history = fc.record({
  commits: fc.tuple(...Array.from({ length: COMMITS }, (_, index) => madeCommit(index))),
  /** To which commits the branch moves, one look after the other. */
  heads: fc.array(fc.nat(COMMITS - 1), { minLength: 4, maxLength: 6 }),
});

/** Makes the commits; gives their ids. */
async function make({ repository }: Rig, commits: readonly MadeCommit[]): Promise<readonly string[]> {
  const parts = commits.map(({ parents, seconds, file }, index) => {
    const [from, merge] = parents;
    return [
      `commit refs/heads/side-${index}\nmark :${index + 1}\ncommitter Test <test@example.com> ${1_700_000_000 + seconds} +0000\n`,
      `data 2\nm${index % 10}\n`,
      from === undefined ? '' : `from :${from + 1}\n`,
      merge === undefined ? '' : `merge :${merge + 1}\n`,
      `M 100644 inline ${file}.yaml\ndata 3\n${String(index).padStart(3, '0')}\n`,
      `get-mark :${index + 1}\n`,
    ].join('');
  });
  const ids = await repository.git(['fast-import', '--quiet', '--force'], parts.join(''));
  return ids.split('\n');
}

describe('a spec source that has read before', () => {
  it('tells of a new head what one tells that has never read: the last commits with their changes, and those that are new', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ commits, heads }) => {
        const [rig, other] = await Promise.all([openFolderRig(), openFolderRig()]);
        try {
          const ids = await make(rig, commits);
          const lasting = rig.open();
          let since = '';
          for (const head of heads.map((at) => ids[at] ?? '')) {
            await rig.repository.forceBranch('main', head);
            const fresh = other.open({ url: rig.url });
            const [told, expected] = await Promise.all([lasting.read(since, steady()), fresh.read(since, steady())]);
            const { recent, head: made, commits: newer } = complete(told);
            // What a mirror does not know any more it cannot leave out: a mirror that is new has only what the branch reaches.
            const isKnown = complete(expected).recent?.some(({ revision }) => revision === since) === true;
            expect({ recent, made }).toEqual({ recent: complete(expected).recent, made: complete(expected).head });
            if (isKnown) expect(newer).toEqual(complete(expected).commits);
            await fresh.close();
            since = head;
          }
        } finally {
          await Promise.all([rig.close(), other.close()]);
        }
      }),
      // To shrink a history takes minutes of git; its seed tells it as well.
      { numRuns: 8, endOnFailure: true },
    );
  });

  it.each([
    { side: 'newer', seconds: 6, order: ['merge', 'side', 'main', 'base'], logs: 1 },
    // Git lists it behind what was there before: that is found out by asking once more.
    { side: 'older', seconds: 3, order: ['merge', 'main', 'side', 'base'], logs: 3 },
  ])('lists what a merge brought that is $side than what was there', async ({ seconds, order, logs }) => {
    const rig = await openFolderRig();
    try {
      const [base = '', main = '', side = '', merge = ''] = await make(rig, [
        { parents: [], seconds: 0, file: 0 },
        { parents: [0], seconds: 5, file: 1 },
        { parents: [0], seconds, file: 2 },
        { parents: [1, 2], seconds: 7, file: 3 },
      ]);
      const source = rig.open();
      await rig.repository.forceBranch('main', main);
      await source.read(main, steady());
      await rig.repository.forceBranch('main', merge);
      rig.commands.length = 0;
      const { recent, commits } = complete(await source.read(main, steady()));
      const names = new Map(Object.entries({ [base]: 'base', [main]: 'main', [side]: 'side', [merge]: 'merge' }));
      expect(recent?.map(({ revision }) => names.get(revision))).toEqual(order);
      expect(commits.map(({ revision }) => names.get(revision))).toEqual(['merge', 'side']);
      expect(rig.commands.filter((command) => command === 'log')).toHaveLength(logs);
    } finally {
      await rig.close();
    }
  });

  it('asks for no more than what is new: a commit on top costs five processes', async () => {
    const rig = await openFolderRig();
    try {
      const first = await rig.repository.commit({ 'a.yaml': 'a', 'b.yaml': 'b' }, 'one');
      const source = rig.open({ timeoutMs: PATIENCE_MS });
      await source.read(first, steady());
      rig.commands.length = 0;
      const head = await rig.repository.commit({ 'a.yaml': 'c' }, 'two');
      const value = complete(await source.read(first, steady()));
      expect([...rig.commands].sort()).toEqual(['fetch', 'log', 'ls-remote', 'ls-tree', 'show']);
      expect(value).toMatchObject({ revision: head, problems: [], commits: [{ revision: head, subject: 'two' }] });
      expect(value.recent?.map(({ subject, changes }) => [subject, changes.map(({ id, change }) => `${change} ${id}`)])).toEqual([
        ['two', ['changed a.yaml']],
        ['one', ['added a.yaml', 'added b.yaml']],
      ]);
    } finally {
      await rig.close();
    }
  });
});
