import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { GatewayState } from '../model/gateway.ts';
import type { PoolKey, ReplicaName } from '../model/ids.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { PlanContext } from '../plan/context.ts';
import { followTimeMs, isLoading } from '../plan/follow-time.ts';
import { lastNudgeMs } from '../plan/plan-nudge.ts';
import type { GatewayReport, ReplicaReport } from './run-report.ts';

/** What is known of the pools by replica, beside what is reported of them. */
export interface GatewayEvidence {
  readonly pools: ReadonlyMap<PoolKey, { readonly replicas: readonly ReplicaReport[]; readonly problems: readonly Problem[] }>;
  /** Since when each replica has differed from Consul, by pool; ms since the epoch. */
  readonly differsSinceMs: ReadonlyMap<PoolKey, ReadonlyMap<ReplicaName, number>>;
  /** What each replica has built of a pool, as one text. */
  readonly built: ReadonlyMap<PoolKey, ReadonlyMap<ReplicaName, string>>;
}

/** Every replica with its state, and a problem for each that is not as it should be. */
export interface GatewayFindings {
  readonly reports: readonly GatewayReport[];
  readonly problems: readonly Problem[];
}

interface Behind {
  readonly pool: PoolKey;
  readonly own: ReplicaReport;
  readonly others: readonly ReplicaName[];
  readonly sinceMs: number;
}

/** Names the replicas that do not follow Consul, say something else than the others, or do not answer. Pure. */
export function nameGateways(evidence: GatewayEvidence, context: PlanContext): GatewayFindings {
  const loading = new Set(
    [...(context.world.gateways ?? [])].flatMap(([replica, snapshot]) => (isLoading(snapshot, context) ? [replica] : [])),
  );
  const odd = oddOnes(evidence, loading);
  const found = [...(context.world.gateways ?? [])].map(([replica, snapshot]) => {
    if (snapshot.kind !== 'complete') return silentGateway(replica, snapshot, context);
    return answeringGateway(replica, { state: snapshot.value, odd: odd.get(replica), evidence }, context);
  });
  return { reports: found.map(({ report }) => report), problems: found.flatMap(({ problems }) => problems) };
}

interface Finding {
  readonly report: GatewayReport;
  readonly problems: readonly Problem[];
}

/** The reason stands with the source already; that drains no longer wait is one thing more. */
function silentGateway(
  replica: ReplicaName,
  { sinceMs }: Exclude<Snapshot<GatewayState>, { readonly kind: 'complete' }>,
  { policy, nowMs }: PlanContext,
): Finding {
  const isLost = nowMs - sinceMs >= policy.maxWaitMs;
  const message = `Traefik replica ${replica} has not answered for longer than drain.maxWait: drains no longer wait for it`;
  return {
    report: { replica, state: 'unreachable', pools: 0, sinceMs },
    problems: isLost ? [problem('TRAEFIK_LOST', message)] : [],
  };
}

interface Answering {
  readonly state: GatewayState;
  readonly odd: Odd | undefined;
  readonly evidence: GatewayEvidence;
}

function answeringGateway(replica: ReplicaName, { state, odd, evidence }: Answering, context: PlanContext): Finding {
  const all = [...evidence.pools].flatMap(([pool, { replicas, problems }]) => {
    const own = replicas.find((one) => one.replica === replica);
    return own === undefined ? [] : [{ pool, own, replicas, isUnknown: problems.some(({ code }) => code === 'TRAEFIK_NOT_SERVED') }];
  });
  const late = all.filter(({ own }) => own.state === 'behind');
  // What none of the replicas has is told of the pool.
  const behind = late.flatMap(({ pool, own, replicas, isUnknown }): Behind[] => {
    const others = replicas.filter((one) => one.state === 'in-step').map((one) => one.replica);
    const sinceMs = evidence.differsSinceMs.get(pool)?.get(replica) ?? context.nowMs;
    return isUnknown ? [] : [{ pool, own, others, sinceMs }];
  });
  if (behind.length > 0) return whyBehind(replica, { state, behind }, context);
  const pools = late.length;
  if (pools > 0) return { report: { replica, state: 'behind', pools }, problems: [] };
  if (all.some(({ own }) => own.state !== 'in-step')) return { report: { replica, state: 'changing', pools: 0 }, problems: [] };
  if (odd !== undefined) return { report: { replica, state: 'differs', pools: odd.pools.length }, problems: [whyOdd(replica, odd)] };
  return { report: { replica, state: 'in-step', pools: 0 }, problems: [] };
}

/** Frozen is one of which nothing has changed since it should have begun to. */
function whyBehind(
  replica: ReplicaName,
  { state, behind }: { readonly state: GatewayState; readonly behind: readonly Behind[] },
  context: PlanContext,
): Finding {
  const sinceMs = Math.min(...behind.map((one) => one.sinceMs));
  const isFrozen = state.changedAtMs < sinceMs;
  const nudgedAtMs = lastNudgeMs(context);
  const inVain = nudgedAtMs !== undefined && nudgedAtMs >= sinceMs && context.nowMs - nudgedAtMs > followTimeMs(context.policy);
  const what = isFrozen
    ? `Traefik replica ${replica} serves what it did before Consul changed`
    : `Traefik replica ${replica} does not follow Consul`;
  const [first] = behind;
  const others = first?.others ?? [];
  const against = others.length === 0 ? '' : `; ${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} followed`;
  const words = first === undefined ? '' : `: pool ${first.pool}${andMore(behind.length)}: ${differenceWords(first.own)}`;
  const message = `${what}${words}${against}${inVain ? '; touching a check in Consul did not wake it' : ''}`;
  const nudged = nudgedAtMs === undefined ? {} : { nudgedAtMs };
  return {
    report: { replica, state: isFrozen ? 'frozen' : 'behind', pools: behind.length, sinceMs, ...nudged },
    problems: [problem(isFrozen ? 'TRAEFIK_FROZEN' : 'TRAEFIK_BEHIND', message)],
  };
}

const andMore = (count: number): string => (count === 1 ? '' : ` and ${count - 1} more`);

function differenceWords({ missing, lingering, routers }: ReplicaReport): string {
  const [gone] = lingering;
  const words = [
    missing === 0 ? [] : [`${missing} backends are missing`],
    gone === undefined ? [] : [`${gone}${andMore(lingering.length)} still there`],
    routers.slice(0, 3),
  ].flat();
  return words.length === 0 ? 'it has not answered since the change' : words.join(', ');
}

/** A replica that has built something else of pools than most others, though all follow Consul. */
interface Odd {
  readonly pools: readonly PoolKey[];
  readonly against: readonly ReplicaName[];
  readonly fields: readonly string[];
}

function oddOnes({ pools, built }: GatewayEvidence, loading: ReadonlySet<ReplicaName>): ReadonlyMap<ReplicaName, Odd> {
  const odd = new Map<ReplicaName, Odd>();
  for (const [pool, { replicas }] of pools) {
    const said = built.get(pool);
    const settled = replicas.filter(({ state, replica }) => state === 'in-step' && !loading.has(replica)).map(({ replica }) => replica);
    const [most, ...others] = [...Map.groupBy(settled, (replica) => said?.get(replica) ?? '').values()].sort((a, b) => b.length - a.length);
    for (const replica of others.flat()) {
      const known = odd.get(replica);
      const fields = known?.fields ?? differingFields(said?.get(replica), said?.get(most?.[0] ?? replica));
      odd.set(replica, { pools: [...(known?.pools ?? []), pool], against: known?.against ?? most ?? [], fields });
    }
  }
  return odd;
}

type Built = readonly [routers: readonly (Readonly<Record<string, unknown>> | null)[], services: readonly unknown[]];

function differingFields(one: string | undefined, other: string | undefined): readonly string[] {
  const [[mine], [theirs]] = [JSON.parse(one ?? '[[]]') as Built, JSON.parse(other ?? '[[]]') as Built];
  const fields = mine.flatMap((router, i) => {
    const against = theirs[i];
    if (router === null || against === null || against === undefined) return router === against ? [] : ['presence'];
    return Object.keys(router).filter((field) => JSON.stringify(router[field]) !== JSON.stringify(against[field]));
  });
  return [...new Set(fields)];
}

function whyOdd(replica: ReplicaName, { pools, against, fields }: Odd): Problem {
  const [first] = pools;
  const what = fields.length === 0 ? 'another service' : `routers with another ${fields.join(', ')}`;
  const message = `Traefik replica ${replica} makes ${what} of pool ${first}${andMore(pools.length)} than ${against.join(', ')}`;
  return problem('TRAEFIK_DIFFERS', message);
}
