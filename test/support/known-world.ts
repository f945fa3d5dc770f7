import type { GatewayState } from '../../src/core/model/gateway.ts';
import { replicaName } from '../../src/core/model/ids.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import type { World } from '../../src/core/model/world.ts';
import { buildReport, sourceReports } from '../../src/core/report/build-report.ts';
import { explain } from '../../src/core/report/explain.ts';
import type { KnownWorld } from '../../src/core/report/explain-facts.ts';
import type { Explanation, WhyKind } from '../../src/core/report/explanation.ts';
import { followTraefik } from '../../src/core/report/follow-traefik.ts';
import { NOW_MS } from './builders.ts';
import { answered, followingState } from './gateway-state.ts';
import { type ModelPlan, planWorld, settle } from './model-world.ts';

/** What explanations are made from, after a run that looked at this world and wrote nothing. */
export function knownWorld(world: World, plan: ModelPlan = planWorld(world), nowMs = NOW_MS): KnownWorld {
  const { context, guarded, nodes } = plan;
  const report = buildReport({
    context,
    plans: guarded.plans,
    others: nodes,
    outcomes: [],
    passes: 1,
    trigger: ['start'],
    leader: { consul: true, kubernetes: true },
    latencies: [],
    problems: [],
    startedAtMs: nowMs - 5,
    endedAtMs: nowMs,
    traefik: followTraefik(context, undefined)?.view,
  });
  return { context, report, sources: sourceReports(world, nowMs), nowMs };
}

/** Why, in a world. */
export const why = (world: World, kind: WhyKind, value: string): Explanation => explain({ kind, value }, knownWorld(world));

/** Everything written that is to be written, and a Traefik that has followed; `see` changes what it shows. */
export function settled(start: World, see: (state: GatewayState) => Snapshot<GatewayState> = (state) => answered(state)): World {
  const { world } = settle(start);
  // What is not written stands as before: pods, and endpoints of other ports.
  const cluster = { ...world.cluster, pods: start.cluster.pods };
  return { ...world, cluster, gateways: new Map([[replicaName('edge'), see(followingState(snapshotValue(world.registry)))]]) };
}
