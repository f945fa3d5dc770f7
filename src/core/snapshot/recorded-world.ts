import { errorText } from '../../shared/errors.ts';
import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { LiveObject } from '../model/objects.ts';
import { mapSnapshot } from '../model/snapshot.ts';
import type { ClusterState, World } from '../model/world.ts';
import { readValue, writeValue } from './write-value.ts';

/** All that a plan looks at but the specs, as it was at one moment. */
export interface RecordedWorld {
  /** Milliseconds since the epoch. */
  readonly recordedAtMs: number;
  /** Whose world it is: a plan for another owner or cluster would tell nonsense. */
  readonly owner: string;
  readonly cluster: string;
  readonly keyPath: string;
  readonly world: Omit<World, 'specs'>;
}

/** Goes up whenever an older version could not be read rightly any more. */
const VERSION = 1;
const FORMAT = 'poolkeeper-snapshot';
const COPY = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The text of a snapshot file: JSON that gives back the very same world, but for what may hold secrets: of Secrets there are
 * digests (`contentOf`), and no object has kubectl's copy of itself.
 */
export function writeSnapshot({ world, ...about }: RecordedWorld): string {
  const recorded = { ...about, world: { ...world, cluster: withoutCopies(world.cluster) } };
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...(writeValue(recorded) as object) })}\n`;
}

export type ReadSnapshot =
  | { readonly kind: 'ok'; readonly recorded: RecordedWorld }
  | { readonly kind: 'unreadable'; readonly problem: Problem };

/** Reads a snapshot file. `name` is what it is called where it cannot be read. */
export function readSnapshot(text: string, name: string): ReadSnapshot {
  const unreadable = (why: string): ReadSnapshot => ({
    kind: 'unreadable',
    problem: problem('SNAPSHOT_UNREADABLE', `${name} is no snapshot that can be read: ${why}`),
  });
  try {
    const { format, version, ...rest } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (format !== FORMAT) return unreadable('it was not written by `poolkeeper plan --record`');
    if (version !== VERSION) return unreadable(`it has version ${String(version)}, and this program reads version ${VERSION}`);
    const recorded = readValue(rest) as RecordedWorld;
    const { cluster, registry } = recorded.world;
    if (!(cluster.objects instanceof Map) || typeof registry.kind !== 'string') return unreadable('parts of it are missing');
    return { kind: 'ok', recorded };
  } catch (error) {
    return unreadable(errorText(error));
  }
}

function withoutCopies(cluster: ClusterState): ClusterState {
  const bare = <K>(objects: ReadonlyMap<K, LiveObject>): ReadonlyMap<K, LiveObject> =>
    new Map([...objects].map(([key, object]) => [key, withoutCopy(object)]));
  return {
    ...cluster,
    services: mapSnapshot(cluster.services, bare),
    objects: new Map([...cluster.objects].map(([kind, snapshot]) => [kind, mapSnapshot(snapshot, bare)])),
  };
}

function withoutCopy(object: LiveObject): LiveObject {
  const { [COPY]: copy, ...annotations } = object.annotations;
  return copy === undefined ? object : { ...object, annotations };
}
