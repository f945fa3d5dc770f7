import { makeChanges } from '../support/gap-changes.ts';
import { type GapResult, type GapRig, prepareGapRig } from '../support/gap-rig.ts';
import { createNode } from '../support/nodes.ts';
import { randomNumbers } from '../support/random-numbers.ts';
import { SHARED_NODES } from '../support/shared-stack.ts';
import type { Stack } from '../support/stack.ts';
import { machine, onServers } from './rig.ts';
import { spread } from './statistics.ts';
import { measureFrozen } from './traefik-frozen.ts';
import { measurePrediction } from './traefik-prediction.ts';

/** Backends of each pool; of 300 nodes as many as fit one transaction. */
const SIZES = [3, 50, 120, 300];
const PER_SECOND = 200;
/** As long as a poll of Traefik, so that commits fall anywhere between two. */
const MOST_PAUSE_MS = 2_000;

/**
 * The Traefik leg: prediction of 1,000 services; 100 changes under 200 requests a second to each of two Traefiks, one that polls every
 * 2 s and one that watches, for each size of pool; and how soon a replica that does not follow is named. `sizes` are the backends of
 * one pool instead of all, and the number of changes. Times in milliseconds.
 */
export async function benchTraefik([backends, changes = 100]: readonly number[] = []): Promise<unknown> {
  const prediction = measurePrediction();
  const sizes = backends === undefined ? SIZES : [backends];
  return await onServers({}, async (stack, releasers) => {
    for (const node of SHARED_NODES) await createNode(stack.connection(), node, {});
    const gaps: object[] = [];
    for (const [i, nodes] of sizes.entries()) gaps.push(...(await measureGap(stack, { nodes, changes, firstNodePort: 30_200 + 500 * i })));
    return { machine, prediction, changes, requestsPerSecond: PER_SECOND, gaps, frozen: await measureFrozen(stack, releasers) };
  });
}

interface Gap {
  readonly nodes: number;
  readonly changes: number;
  readonly firstNodePort: number;
}

async function measureGap(stack: Stack, { nodes, changes, firstNodePort }: Gap): Promise<readonly object[]> {
  const random = randomNumbers(nodes);
  const rig = await prepareGapRig({
    stack: stack.connection(),
    name: `gaps-${nodes}`,
    sizes: [nodes],
    perSecond: PER_SECOND,
    firstNodePort,
    env: { POOLKEEPER_GIT_INTERVAL: '10m' },
  });
  try {
    const startedAt = performance.now();
    await makeChanges(rig, { count: changes, pauseMs: () => random() * MOST_PAUSE_MS });
    const seconds = (performance.now() - startedAt) / 1_000;
    const results = await rig.finish();
    const complaints = await rig.complaints();
    return results.map((result) => figures(result, rig, { seconds, complaints: complaints.length }));
  } finally {
    await rig.remove();
  }
}

function figures(result: GapResult, rig: GapRig, { seconds, complaints }: { seconds: number; complaints: number }): object {
  const { mode, nodes, backends, requests, failed, failures, strange, backwards, nodesHit, share, samples, arrivalMs } = result;
  return {
    mode,
    nodes,
    backends,
    requests,
    perSecond: Math.round(requests / seconds),
    failed,
    failures,
    answersOfNoState: strange.length,
    answersOutOfOrder: backwards,
    definedMultipleTimes: complaints,
    smallestShareInRotation: Math.round(share * 1_000) / 1_000,
    looksAtRotation: samples,
    nodesHit,
    listenerProblems: rig.listeners.problems.length,
    commitToTrafficMs: spread(arrivalMs),
  };
}
