import type { Problem } from '../../shared/problem.ts';
import type { DesiredSpec } from '../desired/build-desired.ts';
import type { Hold } from '../model/action.ts';
import { objectTitle, SERVICE_KIND } from '../model/ids.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { brokenBy, count, few, type KnownWorld, linkMaker, type MakeLink, type Subject } from './explain-facts.ts';
import { ageWords, type Link } from './explanation.ts';
import type { LegName, RunReport } from './run-report.ts';
import { legOfProblem } from './spec-state.ts';

/** The commit that is in force: it says what should be, whether or not Git answers now. */
export function commitLink(known: KnownWorld): Link {
  const make = linkMaker(known)('commit', ['git']);
  const { specs } = known.context.world;
  const set = snapshotValue(specs);
  const live = known.sources.find(({ source }) => source === 'git');
  const reason = live?.kind === 'complete' ? undefined : (live?.reason ?? (specs.kind === 'complete' ? undefined : specs.reason));
  if (set === undefined) return make('unknown', reason?.code ?? 'never-read', silentWords('the repository', reason));
  const { head } = set;
  const by = head === undefined ? '' : ` by ${head.author}, ${ageWords(known.nowMs - head.committedAtMs)} ago: ${head.subject}`;
  const says = `${set.revision.slice(0, 10)}${by}`;
  if (reason === undefined) return make('ok', 'ok', { says });
  const silent = silentWords('the repository', reason);
  return make('unknown', reason.code, { ...silent, says: `${silent.says}; in force is ${says}` });
}

/** What to say of a source that does not answer. */
export const silentWords = (what: string, reason: Problem | undefined): { readonly says: string; readonly remedy?: string } =>
  reason === undefined
    ? { says: `${what} has not been read yet` }
    : { says: `${what} cannot be read: ${reason.message}`, remedy: reason.remedy };

/** The spec file: broken, gone, set aside, or with something in it that keeps the pool from what it asks for. */
export function fileLink(subject: Subject, known: KnownWorld): Link {
  const make = linkMaker(known)('file', ['git']);
  const { context } = known;
  const { spec, specReport } = subject;
  const desired = spec === undefined ? undefined : context.desired.specs.get(spec);
  if (spec === undefined || desired === undefined) return make('broken', 'not-found', { says: 'no spec file holds it' });
  const hold = holdOf(subject);
  const said = new Map([...desired.problems, ...(specReport?.problems ?? [])].map((one) => [`${one.code} ${one.message}`, one]));
  const own = [...said.values()].filter((one) => legOfProblem(one.code) === 'git' && !isOfAnotherPool(one, subject, known));
  const facts = own.filter(({ severity }) => severity === 'warning').map(({ code, message }) => `${code}: ${message}`);
  const [error] = own.filter(({ severity }) => severity === 'error');
  if (error !== undefined) return brokenBy(make, error, desired.standing === 'broken' ? [whatStaysOf(desired)] : facts);
  if (hold !== undefined) {
    const { code, message, remedy } = hold.reason;
    return make('broken', code, { says: `${hold.what} is held: ${message}`, remedy, facts });
  }
  if (desired.standing === 'suspended') {
    const why = specReport?.waiting[0]?.what ?? 'suspended';
    return make('waiting', 'suspended', { says: `${spec} is left as it is (${why})`, remedy: `Run: poolkeeper resume ${spec}`, facts });
  }
  if (desired.standing === 'gone') return make('waiting', 'leaving', { says: `${spec} is gone, and what it held leaves`, facts });
  return make('ok', 'ok', { says: `${spec} is read`, facts });
}

const whatStaysOf = ({ id, spec }: DesiredSpec): string =>
  spec === undefined ? `${id} is not in force; what it owned stays` : `${id} is not in force as it is; its last good version is`;

/** What is held of the pool itself; of one that is not registered, whatever is held of its spec: it may wait for that. */
function holdOf({ pool, specReport, poolReport }: Subject): Hold | undefined {
  const holds = specReport?.holds ?? [];
  const isRegistered = (poolReport?.registered ?? 0) > 0;
  return holds.find(({ what }) => what === `pool ${pool}`) ?? (isRegistered ? undefined : holds[0]);
}

/** A spec may hold several pools, and a problem with one of them says nothing of the others. */
export function isOfAnotherPool(one: Problem, { pool, spec }: Subject, { context }: KnownWorld): boolean {
  if (spec === undefined) return false;
  // What begins with a pool is about that one, whichever it goes on to name.
  const about = /^pool ([^\s:]+)/.exec(one.message)?.[1];
  if (about !== undefined) return about !== pool;
  const others = (context.desired.specs.get(spec)?.pools ?? []).filter((view) => view.pool !== pool);
  const names = (words: string, name: string): boolean => ` ${words} `.match(/[\w./-]+/g)?.includes(name) === true;
  const isSame = ({ code, message }: Problem): boolean => code === one.code && message === one.message;
  if (context.views.get(pool)?.problems.some(isSame) === true || names(one.message, pool)) return false;
  return others.some((view) => view.problems.some(isSame) || names(one.message, view.pool));
}

/** The objects of the spec: refused, still to be applied, or in step. How their pods fare is another link. */
export function objectsLink(subject: Subject, known: KnownWorld): Link {
  const { context, report } = known;
  const { specReport, spec } = subject;
  const make = linkMaker(known)('objects', ['services', 'objects:']);
  const objects = (spec === undefined ? undefined : context.desired.specs.get(spec)?.spec)?.objects ?? [];
  const titles = objects.map(({ key }) => objectTitle(key));
  const facts = titles.length === 0 ? [] : [few(titles)];
  const error = specReport?.problems.find(
    (one) => one.severity === 'error' && legOfProblem(one.code) === 'kubernetes' && one.code !== 'ROLLOUT_FAILED',
  );
  if (error !== undefined) return brokenBy(make, error, facts);
  const waits = (specReport?.waiting ?? []).find(({ leg, rollout, on }) => leg === 'kubernetes' && rollout !== true && on !== subject.pool);
  if (waits !== undefined) return make('waiting', 'changing', { says: waits.what, facts });
  const silent = silentKind(subject, known);
  if (silent !== undefined) return make('unknown', silent.code, { ...silentWords('Kubernetes', silent), facts });
  const open = (specReport?.actions ?? []).filter(({ leg, result }) => leg === 'kubernetes' && result !== 'done');
  if (open.length > 0) return openLink(make, { leg: 'kubernetes', open: open.map(({ on }) => on), facts }, report);
  if (subject.view === undefined) return make('waiting', 'not-created', { says: `Service ${subject.pool} is not in the cluster`, facts });
  return make('ok', 'ok', { says: titles.length === 0 ? 'nothing is to be applied' : `${count(titles.length, 'object')} in step`, facts });
}

function silentKind({ spec }: Subject, { context, sources }: KnownWorld): Problem | undefined {
  const objects = (spec === undefined ? undefined : context.desired.specs.get(spec)?.spec)?.objects ?? [];
  const kinds = new Set(objects.map(({ key }) => `objects:${key.split('/').slice(0, 2).join('/')}`));
  const silent = sources.find(({ source, kind }) => kind !== 'complete' && (source === 'services' || kinds.has(source)));
  return silent?.reason;
}

interface Open {
  readonly leg: Extract<LegName, 'kubernetes' | 'consul'>;
  readonly open: readonly string[];
  readonly facts: readonly string[];
}

/** What is still to be written: it waits for its turn, or for somebody who may write. */
export function openLink(make: MakeLink, { leg, open, facts }: Open, { leader, problems }: RunReport): Link {
  const says = `still to be written: ${few(open, 3)}`;
  if (leader[leg]) return make('waiting', 'changing', { says, facts });
  const lease = problems.find(({ code, severity }) => severity === 'error' && (legOfProblem(code) === leg || code.startsWith('LEASE_')));
  if (lease !== undefined && leader.holder === undefined)
    return make('broken', lease.code, { says: `${says}; ${lease.message}`, remedy: lease.remedy, facts });
  const who = leader.holder === undefined ? 'no replica leads yet' : `${leader.holder} leads and writes it`;
  return make('waiting', 'changing', { says: `${says}; ${who}`, facts });
}

/** The reason of a snapshot that is not complete. */
export const reasonOf = (snapshot: Snapshot<unknown> | undefined): Problem | undefined =>
  snapshot === undefined || snapshot.kind === 'complete' ? undefined : snapshot.reason;

/** The type of a Service as it is wanted, else as it is. */
export function typeOfService({ wanted, view }: Pick<Subject, 'wanted' | 'view'>): string {
  const spec = (wanted?.object['spec'] ?? view?.live.spec ?? {}) as Readonly<Record<string, unknown>>;
  return String(spec['type'] ?? 'ClusterIP');
}

/** The Services of a namespace and name that nobody of ours applied, for people. */
export const serviceTitle = (subject: Pick<Subject, 'pool'>): string => `${SERVICE_KIND.slice(1)} ${subject.pool}`;
