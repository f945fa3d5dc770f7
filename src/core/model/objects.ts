import type { GroupKind, ObjectKey, SpecId } from './ids.ts';
import { groupKindOf, objectKey } from './ids.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };

export interface ObjectMeta {
  readonly name: string;
  /** Absent for objects of the cluster. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** A Kubernetes object as a spec states it, decoded and upgraded: what would be sent, without our marks. Plain JSON. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [key: string]: unknown;
}

/** FieldsV1 of the managedFields: keys `f:name`, `k:{…}`, `v:…`, `i:n` and `.`. */
export interface FieldsV1 {
  readonly [path: string]: FieldsV1;
}

/** One entry of an object's managedFields. */
export interface FieldManager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  /** `status`, `scale` or empty. */
  readonly subresource: string;
  /** True when this entry owns `spec.replicas`. */
  readonly ownsReplicas: boolean;
  /** What it owns. Kept of others' writes to the object itself only: an object that is ours alone has none. */
  readonly fields?: FieldsV1;
}

/**
 * An object as the API server last showed it, reduced to what the core reads. Frozen: a changed object is a new value, so
 * that results may be remembered by identity.
 */
export interface LiveObject {
  readonly key: ObjectKey;
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for objects of the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `Kind/name` of the controller ownerReference, if there is one. */
  readonly controlledBy?: string;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  /** The fields of our manager's Apply entry; absent when we have none. */
  readonly ourFields?: FieldsV1;
  /** When that entry last changed, ms since the epoch in whole seconds by the clock of the API server; absent when nobody knows. */
  readonly appliedAtMs?: number;
  readonly managers: readonly FieldManager[];
  /** The whole `spec` of a Service; of workloads what selectors, replicas and health rules read; otherwise empty. */
  readonly spec: JsonObject;
  /** `metadata.generation`; absent where the API server keeps none. */
  readonly generation?: number;
  /** What the health rules read of `status`, empty when nobody has written one yet. Absent: not looked at (a metadata-only answer). */
  readonly status?: JsonObject;
  /** The fields that a spec could set, for people to see what changes: see `contentOf`. Only there where a plan is to be shown. */
  readonly content?: JsonObject;
}

/** Group and kind of an object. */
export const kindOfObject = (object: KubernetesObject): GroupKind => groupKindOf(object.apiVersion, object.kind);

/** The key of an object. */
export const keyOfObject = (object: KubernetesObject): ObjectKey =>
  objectKey(kindOfObject(object), object.metadata.namespace ?? '', object.metadata.name);

/** One object of a spec, with the place it was written at. */
export interface SpecObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  /** Where the object begins in the file; `path` is the path inside the document. */
  readonly where: { readonly line: number; readonly column: number; readonly path: string };
  /** Where its `poolkeeper.dev/depends-on` stands, if it has one. */
  readonly dependsOnWhere?: SpecObject['where'];
  /** The selector was not written but filled from the labels of the pod template, as the old API versions did. */
  readonly filledSelector?: true;
}

/** One decoded spec file. */
export interface Spec {
  readonly id: SpecId;
  /** Git blob id of the file: the key of every cache. */
  readonly blobId: string;
  readonly objects: readonly SpecObject[];
}
