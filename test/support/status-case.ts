/** One moment in the life of an object, as the controllers make it. */
export interface StatusMoment {
  readonly name: string;
  /** A merge patch that comes before it. */
  readonly patch?: unknown;
  /** The phase that its pods are given by hand before; those of such cases are held, see kwok-stages.yaml. */
  readonly pods?: 'Succeeded' | 'Failed';
  /** True to delete the object before. */
  readonly remove?: true;
  /** Path of another object that is deleted before. */
  readonly removeOther?: string;
  /** When it has come, told by the object; absent: what the request was answered with. */
  readonly until?: (object: StatusObject) => boolean;
}

/** An object whose status is recorded, in a namespace of its own. */
export interface StatusCase {
  readonly name: string;
  /** Path of its collection; NS stands for the namespace. */
  readonly path: string;
  readonly object: Readonly<Record<string, unknown>>;
  /** Other objects that must be there first, with the paths of their collections. */
  readonly before?: readonly { readonly path: string; readonly object: unknown }[];
  readonly moments: readonly StatusMoment[];
}

/** As much of an object as the moments look at. */
export interface StatusObject {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
  };
}

/** A counter of the status; 0 where there is none. */
export const count = (object: StatusObject, name: string): number => Number(object.status?.[name] ?? 0);
/** True when the controller has taken up the newest generation. */
export const observed = (object: StatusObject): boolean => count(object, 'observedGeneration') === object.metadata.generation;
/** True when the counters of the newest generation are these. */
export const when =
  (counts: Readonly<Record<string, number>>) =>
  (object: StatusObject): boolean =>
    observed(object) && Object.entries(counts).every(([name, value]) => count(object, name) === value);
/** True when a condition of this type has this status or reason. */
export const hasCondition =
  (type: string, text: string) =>
  (object: StatusObject): boolean =>
    object.status?.conditions?.some((one) => one.type === type && (one.status === text || one.reason === text)) === true;

/** It cannot be pulled, see kwok-stages.yaml. */
export const MISSING = 'registry.invalid/web:missing';
export const NEVER_READY = { 'poolkeeper.test/never-ready': 'true' };
export const HELD = { 'poolkeeper.test/hold': 'true' };

/** What differs from the plain pod. */
export interface PodShape {
  readonly image?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly restartPolicy?: string;
}
/** A pod template. */
export const template = ({ image = 'registry.invalid/web:1', annotations = {}, ...rest }: PodShape = {}): unknown => ({
  metadata: { labels: { app: 'web' }, annotations },
  spec: { containers: [{ name: 'web', image }], terminationGracePeriodSeconds: 0, ...rest },
});
export const selector = { matchLabels: { app: 'web' } };
/** A quota that allows no pod. */
export const quota = {
  path: '/api/v1/namespaces/NS/resourcequotas',
  object: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: { hard: { pods: '0' } } },
};
