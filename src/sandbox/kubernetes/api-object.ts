/** A JSON object whose fields the reader must look at before use. */
export type Fields = { [key: string]: unknown };

/** One entry of `metadata.managedFields` as it travels. */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly fieldsType: 'FieldsV1';
  /** Absent in the empty entry by which a writer forgets all owners. */
  readonly fieldsV1?: Fields;
  readonly subresource?: string;
  readonly time?: string;
}

export interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
  managedFields?: ManagedFieldsEntry[];
}

/** An object of the API: plain JSON, changed by nobody once it is in the store. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [key: string]: unknown;
}

export interface Container {
  name?: string;
  image?: string;
  ports?: { name?: string; containerPort: number }[];
  [key: string]: unknown;
}

/** What the sandbox reads of a Deployment; the rest of its fields is kept as it came. */
export interface Deployment extends ApiObject {
  spec: {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string> };
    strategy?: Fields;
    template: {
      metadata?: { labels?: Record<string, string> };
      spec?: Fields & { containers?: Container[]; initContainers?: Container[] };
    };
    [key: string]: unknown;
  };
}

export interface ServicePort {
  name?: string;
  port: number;
  protocol: string;
  targetPort?: number | string;
  nodePort?: number;
}

/** What the sandbox reads of a Service. */
export interface Service extends ApiObject {
  spec: {
    type?: string;
    clusterIP?: string;
    externalTrafficPolicy?: string;
    selector?: Record<string, string>;
    ports?: ServicePort[];
    [key: string]: unknown;
  };
}

/** What the sandbox reads of a Node. */
export interface Node extends ApiObject {
  spec?: { unschedulable?: boolean };
  status?: { conditions?: { type: string; status: string }[] };
}

/** True for JSON objects: neither null nor an array. */
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** True when labels carry all that a selector wants. */
export const matchesLabels = (wanted: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** The present time as the API writes it, in seconds. */
export const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
