import type { Problem, ProblemCode } from '../../shared/problem.ts';
import type { PoolKey } from '../model/ids.ts';
import type { EventName } from '../model/notification.ts';
import type { PoolReport, RunReport, SourceReport, SpecReport } from '../report/run-report.ts';

/** Something that is so, and that people are told of when it has been so for a while. */
export interface Standing {
  readonly event: EventName;
  readonly subject: string;
  /** What is told when it begins, and when it has ended. */
  readonly message: string;
  readonly ended: string;
  readonly remedy: string;
  /** How long it must have stood before anybody is told. */
  readonly afterMs: number;
}

const AT_ONCE = 0;
/** What may pass by itself: a server that restarts, a write that collides, a pool whose nodes are renewed. */
const SOON = 60_000;
const LATER = 120_000;
/** A pool that has just been made may take a while to have its first backend. */
const NEW_POOL = 600_000;

/** All that stands after a report, by event and subject. `filled`: pools that have had a backend. Pure. */
export function standingEvents(report: RunReport, filled: ReadonlySet<PoolKey>): ReadonlyMap<string, Standing> {
  const all = [
    ...sourceEvents(report.sources),
    ...report.specs.flatMap(specEvents),
    ...holdEvents(report),
    ...(isKnown(report, 'Consul') ? report.pools.flatMap((pool) => poolEvents(pool, filled)) : []),
    ...gatewayEvents(report),
  ];
  return new Map(all.map((standing) => [`${standing.event} ${standing.subject}`, standing]));
}

/** Whether a report can tell that something has ended: what is not known has not. */
export function isTold({ event, subject }: Standing, report: RunReport): boolean {
  if (event === 'pool-empty' || event === 'pool-below-floor') return isKnown(report, 'Consul') && isKnown(report, 'Kubernetes');
  if (event === 'traefik-disagrees') return report.gateways !== undefined;
  // A source that has not answered in full makes a hold of its own out of the others.
  if (event === 'held') return STORES.every((store) => isKnown(report, store));
  if (event === 'sync-failed') return true;
  return report.specs.find(({ id }) => id === subject)?.state !== 'unknown';
}

/** What is told at the end of an event: also that what it spoke of is not there any more. */
export function endText({ event, subject, ended }: Standing, { pools, specs }: RunReport): string {
  if (event === 'pool-empty' || event === 'pool-below-floor')
    return pools.some(({ pool }) => pool === subject) ? ended : `pool ${subject} is gone`;
  const isOfSpec = event !== 'sync-failed' && event !== 'held' && event !== 'traefik-disagrees';
  return isOfSpec && !specs.some(({ id }) => id === subject) ? `${subject} is gone` : ended;
}

/** Backends that requests can reach, as far as anybody knows. */
export const reachable = ({ passing, serving }: PoolReport): number => Math.min(passing, serving ?? passing);

const STORES = ['Git', 'Kubernetes', 'Consul'] as const;
type StoreName = (typeof STORES)[number];

/** The store that a source belongs to; undefined: Traefik, of which other events tell. */
function storeOf({ source }: SourceReport): StoreName | undefined {
  if (source === 'git') return 'Git';
  if (source === 'consul') return 'Consul';
  return source.startsWith('traefik:') ? undefined : 'Kubernetes';
}

const isKnown = ({ sources }: RunReport, store: StoreName): boolean =>
  sources.every((source) => storeOf(source) !== store || source.kind === 'complete');

function sourceEvents(sources: readonly SourceReport[]): readonly Standing[] {
  const lost = sources.filter(({ kind }) => kind !== 'complete');
  return [...Map.groupBy(lost, storeOf)].flatMap(([store, [first]]) =>
    store === undefined || first === undefined
      ? []
      : [
          {
            event: 'sync-failed',
            subject: store,
            message: `${store} cannot be read: ${first.reason?.message ?? `${first.source} is ${first.kind}`}`,
            ended: `${store} is read again`,
            remedy: first.reason?.remedy ?? '',
            afterMs: SOON,
          },
        ],
  );
}

function specEvents({ id, state, problems }: SpecReport): readonly Standing[] {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const standing = (event: EventName, is: string, ended: string, cause: Problem | undefined): Standing => ({
    event,
    subject: id,
    message: `${id} ${is}: ${cause?.message ?? state}${cause?.where === undefined ? '' : ` (line ${cause.where.line})`}`,
    ended: `${id} ${ended}`,
    remedy: cause?.remedy ?? '',
    afterMs: cause?.next === 'retry' ? LATER : AT_ONCE,
  });
  const causeOf = (code: ProblemCode): Problem | undefined => errors.find((one) => one.code === code);
  const [rollout, route] = [causeOf('ROLLOUT_FAILED'), causeOf('ROUTE_CONFLICT')];
  const own = [
    ...(rollout === undefined ? [] : [standing('rollout-failed', 'does not roll out', 'no longer fails to roll out', rollout)]),
    ...(route === undefined ? [] : [standing('route-conflict', 'has a route that collides', 'no longer has a route that collides', route)]),
  ];
  const others = errors.filter((one) => one !== rollout && one !== route);
  const cause = others.find(({ next }) => next !== 'retry') ?? others[0];
  if (state === 'broken') return [standing('spec-broken', 'is broken', 'is mended', cause)];
  if (cause === undefined) return own;
  if (state === 'conflict') return [...own, standing('conflict', 'is in conflict', 'is no longer in conflict', cause)];
  return state === 'failed' ? [...own, standing('spec-failed', 'cannot be applied', 'no longer fails', cause)] : own;
}

/** Holds of one reason are one event: they often come by the dozen. */
function holdEvents({ holds }: RunReport): readonly Standing[] {
  return [...Map.groupBy(holds, ({ reason }) => reason.code)].flatMap(([code, [first, ...others]]): readonly Standing[] => {
    if (first === undefined) return [];
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    const { message, remedy } = first.reason;
    return [
      {
        event: 'held',
        subject: code,
        message: `held back: ${message}${more}`,
        ended: `nothing is held back any more by ${code}`,
        remedy,
        afterMs: first.reason.next === 'retry' ? LATER : AT_ONCE,
      },
    ];
  });
}

function poolEvents(pool: PoolReport, filled: ReadonlySet<PoolKey>): readonly Standing[] {
  const { floor = 0 } = pool;
  const left = reachable(pool);
  if (left >= floor) return [];
  const remedy = `Ask \`poolkeeper why ${pool.pool}\` which nodes are out and why.`;
  const about = { subject: pool.pool, remedy };
  if (left > 0) {
    const message = `pool ${pool.pool} has ${left} of at least ${floor} backends`;
    return [{ ...about, event: 'pool-below-floor', message, ended: `pool ${pool.pool} has enough backends again`, afterMs: LATER }];
  }
  const message = `pool ${pool.pool} has no backend that ${pool.passing === 0 ? 'passes in Consul' : 'Traefik serves'}`;
  const afterMs = filled.has(pool.pool) ? SOON : NEW_POOL;
  return [{ ...about, event: 'pool-empty', message, ended: `pool ${pool.pool} has backends again`, afterMs }];
}

const GATEWAY_WORDS: Readonly<Record<string, string>> = {
  behind: 'does not follow Consul',
  frozen: 'is frozen',
  differs: 'serves something else than the others',
  unreachable: 'does not answer',
};

function gatewayEvents({ gateways = [], sources, problems }: RunReport): readonly Standing[] {
  return gateways.flatMap(({ replica, state, pools }) => {
    const words = GATEWAY_WORDS[state];
    if (words === undefined) return [];
    const reason = sources.find(({ source }) => source === `traefik:${replica}`)?.reason;
    const told = problems.find(({ code, message }) => code.startsWith('TRAEFIK_') && message.includes(replica)) ?? reason;
    const where =
      state === 'unreachable' ? (reason === undefined ? '' : `: ${reason.message}`) : ` (${pools} pool${pools === 1 ? '' : 's'})`;
    const ended = `Traefik ${replica} follows Consul`;
    const message = `Traefik ${replica} ${words}${where}`;
    return [{ event: 'traefik-disagrees', subject: replica, message, ended, remedy: told?.remedy ?? '', afterMs: SOON }];
  });
}
