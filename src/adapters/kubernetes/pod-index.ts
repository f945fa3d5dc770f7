import { isDeepStrictEqual } from 'node:util';
import { byBytes, type ObjectKey } from '../../core/model/ids.ts';
import type { PodTrouble } from '../../core/model/pods.ts';
import { asRecord, asText } from './json-access.ts';
import { decodePod } from './pod-facts.ts';
import type { ReflectorSink } from './reflector.ts';

/** What a list or an event tells of a pod. */
export interface SeenPod {
  /** `namespace/name` of the pod. */
  readonly key: string;
  /** Undefined: there is nothing wrong with it. */
  readonly trouble: PodTrouble | undefined;
}

/** More pods of one workload tell nothing new. */
const MOST_PODS = 5;

export interface PodIndexOptions {
  /** Told the workloads whose troubles are other ones now. */
  readonly changed: (workloads: readonly ObjectKey[]) => void;
  /** Told after the first list, and each time the connection is lost or has come back. */
  readonly connected: () => void;
}

/**
 * The troubles of all pods by workload. A pod without trouble, which is nearly every one, takes no memory: we write no pods, so
 * nothing needs to be compared with what lists and events say, which come in order.
 */
export class PodIndex implements ReflectorSink<SeenPod> {
  readonly #options: PodIndexOptions;
  /** Every pod in trouble, by its key. */
  readonly #pods = new Map<string, PodTrouble>();
  readonly #workloads = new Map<ObjectKey, Set<string>>();
  readonly #told = new Map<ObjectKey, readonly PodTrouble[]>();
  #values: ReadonlyMap<ObjectKey, readonly PodTrouble[]> | undefined;

  constructor(options: PodIndexOptions) {
    this.#options = options;
  }

  /** The troubles, sorted by pod, the first five of each workload. The same map until something changes; never changed afterwards. */
  values(): ReadonlyMap<ObjectKey, readonly PodTrouble[]> {
    this.#values ??= new Map(this.#told);
    return this.#values;
  }

  mark(): number {
    return 0;
  }

  decode(object: unknown): SeenPod {
    const meta = asRecord(asRecord(object)['metadata']);
    return { key: `${asText(meta['namespace'])}/${asText(meta['name'])}`, trouble: decodePod(object) };
  }

  replace(pods: readonly SeenPod[]): void {
    const touched = new Set<ObjectKey>();
    const troubled = new Map(pods.flatMap(({ key, trouble }) => (trouble === undefined ? [] : [[key, trouble] as const])));
    for (const key of this.#pods.keys()) if (!troubled.has(key)) this.#set(key, undefined, touched);
    for (const [key, trouble] of troubled) this.#set(key, trouble, touched);
    this.#tell(touched);
  }

  put({ key, trouble }: SeenPod): void {
    const touched = new Set<ObjectKey>();
    this.#set(key, trouble, touched);
    this.#tell(touched);
  }

  drop({ key }: SeenPod): void {
    this.put({ key, trouble: undefined });
  }

  connected(): void {
    this.#options.connected();
  }

  lost(): void {
    this.#options.connected();
  }

  #set(key: string, trouble: PodTrouble | undefined, touched: Set<ObjectKey>): void {
    const before = this.#pods.get(key);
    if (before !== undefined) {
      touched.add(before.workload);
      this.#workloads.get(before.workload)?.delete(key);
      this.#pods.delete(key);
    }
    if (trouble === undefined) return;
    touched.add(trouble.workload);
    this.#pods.set(key, trouble);
    const pods = this.#workloads.get(trouble.workload) ?? new Set();
    this.#workloads.set(trouble.workload, pods.add(key));
  }

  #tell(touched: ReadonlySet<ObjectKey>): void {
    const changed = [...touched].filter((workload) => this.#refresh(workload));
    if (changed.length > 0) this.#options.changed(changed);
  }

  /** Works out again what is told of a workload; true when that is something else. */
  #refresh(workload: ObjectKey): boolean {
    const keys = this.#workloads.get(workload) ?? new Set();
    if (keys.size === 0) this.#workloads.delete(workload);
    const shown = [...keys].sort(byBytes).slice(0, MOST_PODS);
    const troubles = shown.flatMap((key) => this.#pods.get(key) ?? []);
    if (isDeepStrictEqual(this.#told.get(workload) ?? [], troubles)) return false;
    if (troubles.length === 0) this.#told.delete(workload);
    else this.#told.set(workload, Object.freeze(troubles));
    this.#values = undefined;
    return true;
  }
}
