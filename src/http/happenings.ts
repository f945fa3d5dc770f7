import { type ActionReport, actionsOf, type RunReport } from '../core/report/run-report.ts';
import type { Happening, OverviewRow } from './overview.ts';

/** A happening before it has a number. */
export type NewHappening = Omit<Happening, 'id'>;

/** The rows and the report of one run. */
export interface Seen {
  readonly report: RunReport;
  readonly rows: ReadonlyMap<string, OverviewRow>;
}

/** What has happened from one run to the next, newest first; of the first run only what it did. Pure. */
export function happeningsOf(now: Seen, before: Seen | undefined): readonly NewHappening[] {
  const actions = actionsOf(now.report);
  const rowOf = actions.length === 0 ? new Map<string, string>() : rowsBySpec(now.rows);
  const did = actions.flatMap(({ spec, action }) => actionHappening(action, rowOf.get(spec ?? ''), now.report.startedAtMs));
  if (before === undefined) return did;
  return [
    ...stateHappenings(now, before),
    ...nodeHappenings(now.report, before.report),
    ...did,
    ...commitHappening(now.report, before.report),
  ];
}

/** The row of each spec: of several pools that of the first. */
const rowsBySpec = (rows: Seen['rows']): ReadonlyMap<string, string> =>
  new Map([...rows.values()].reverse().map(({ spec, key }) => [spec, key]));

function actionHappening(action: ActionReport, row: string | undefined, atMs: number): readonly NewHappening[] {
  const { leg, op, on, result, problem, changes } = action;
  const about = { atMs, about: leg, ...(row === undefined ? {} : { row }) };
  if (result === 'failed')
    return [{ ...about, tone: 'bad', text: `${VERBS[op] ?? op} ${on} failed: ${problem?.message ?? 'no reason given'}` }];
  if (result !== 'done') return [];
  const more =
    changes.length === 0 ? '' : `: ${changes.slice(0, 2).join(', ')}${changes.length > 2 ? ` and ${changes.length - 2} more` : ''}`;
  return [{ ...about, tone: 'good', text: `${VERBS[op] ?? op} ${on}${more}` }];
}

const VERBS: Readonly<Record<string, string>> = {
  'apply-object': 'Apply',
  'delete-object': 'Delete',
  'register-pool': 'Register',
  'deregister-pool': 'Deregister',
  'write-kv': 'Write',
  'ensure-node': 'Write node',
  'mark-node': 'Mark node',
  'delete-node': 'Remove node',
};

function stateHappenings({ report, rows }: Seen, before: Seen): readonly NewHappening[] {
  return [...rows.values()].flatMap((row): readonly NewHappening[] => {
    const last = before.rows.get(row.key);
    if (last?.state === row.state) return [];
    const tone = row.state === 'in-step' ? 'good' : BAD.has(row.state) ? 'bad' : 'busy';
    const why = row.note === undefined ? '' : `: ${row.note}`;
    return [
      {
        atMs: report.startedAtMs,
        about: row.state === 'held' ? 'hold' : 'spec',
        tone,
        row: row.key,
        text: `${row.key} is ${WORDS[row.state] ?? row.state}${why}`,
      },
    ];
  });
}

const BAD: ReadonlySet<string> = new Set(['broken', 'conflict', 'held', 'failed']);
const WORDS: Readonly<Record<string, string>> = { 'in-step': 'in step', held: 'held back', conflict: 'in conflict' };

function nodeHappenings(now: RunReport, before: RunReport): readonly NewHappening[] {
  const known = new Map(before.nodes.map((node) => [node.node, node]));
  return now.nodes.flatMap((node): readonly NewHappening[] => {
    const last = known.get(node.node);
    if (last === undefined || (last.eligible === node.eligible && last.draining === node.draining)) return [];
    const text = `node ${node.node} ${node.eligible ? 'takes traffic again' : 'leaves the pools'}: ${node.reason}`;
    return [{ atMs: now.startedAtMs, about: 'node', tone: node.eligible ? 'good' : 'busy', text }];
  });
}

function commitHappening(now: RunReport, before: RunReport): readonly NewHappening[] {
  if (now.revision === undefined || now.revision === before.revision) return [];
  const said = now.commit === undefined ? '' : ` by ${now.commit.author}: ${now.commit.subject}`;
  return [{ atMs: now.startedAtMs, about: 'git', tone: 'quiet', text: `commit ${now.revision.slice(0, 7)}${said}` }];
}
