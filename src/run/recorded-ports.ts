import type { GroupKind, ObjectKey } from '../core/model/ids.ts';
import { kindOf } from '../core/model/ids.ts';
import type { LiveObject } from '../core/model/objects.ts';
import type { Cluster, Gateway, Lease, NodeProbe, Registry } from '../core/model/ports.ts';
import type { Snapshot } from '../core/model/snapshot.ts';
import type { ClusterState } from '../core/model/world.ts';
import type { RecordedWorld } from '../core/snapshot/recorded-world.ts';
import { AppError } from '../shared/errors.ts';
import { problem } from '../shared/problem.ts';
import type { ApplyPorts } from './apply-plan.ts';

/** A recorded world behind the ports: for plans. Whoever writes gets an error. */
export interface RecordedPorts {
  readonly ports: ApplyPorts;
  readonly probe?: NodeProbe;
  readonly gateway?: Gateway;
}

const nothing = (): void => undefined;
const unsubscribe = (): (() => void) => nothing;
const refuse = (): never => {
  throw new AppError(problem('INTERNAL', 'a recorded world was to be written to'));
};

/** The ports of a recorded world. What it does not hold is taken not to exist. */
export function recordedPorts({ world, recordedAtMs }: RecordedWorld): RecordedPorts {
  const registry: Registry = { state: () => world.registry, changed: unsubscribe, refresh: async () => undefined, commit: refuse };
  const lease: Lease = { state: () => ({ held: false, holder: undefined }), changed: unsubscribe, release: async () => undefined };
  const { reachable, gateways } = world;
  return {
    ports: {
      cluster: recordedCluster(world.cluster, recordedAtMs),
      registry,
      leases: { consul: lease, kubernetes: lease },
      mayBegin: () => false,
    },
    ...(reachable === undefined ? {} : { probe: { want: nothing, state: () => reachable, changed: unsubscribe } }),
    ...(gateways === undefined
      ? {}
      : { gateway: { state: () => gateways, changed: unsubscribe, expect: nothing, refresh: async () => undefined } }),
  };
}

function recordedCluster(recorded: ClusterState, recordedAtMs: number): Cluster {
  let state = recorded;
  const none: Snapshot<ReadonlyMap<ObjectKey, LiveObject>> = {
    ...{ kind: 'complete', value: new Map(), index: '', readAtMs: recordedAtMs, connectedAtMs: recordedAtMs },
  };
  return {
    state: () => state,
    changed: unsubscribe,
    async prepare(kinds, claims) {
      const wanted = new Set<GroupKind>([...kinds, ...[...claims.keys()].map(kindOf)]);
      const missing = [...wanted].filter((kind) => !state.objects.has(kind));
      if (missing.length > 0) state = { ...state, objects: new Map([...state.objects, ...missing.map((kind) => [kind, none] as const)]) };
    },
    check: refuse,
    apply: refuse,
  };
}
