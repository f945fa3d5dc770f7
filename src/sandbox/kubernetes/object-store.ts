import type { ApiObject } from './api-object.ts';

/** One change of the store. A deleted object carries the resourceVersion of its deletion. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** Plural name of the kind. */
  readonly resource: string;
  readonly version: number;
  readonly object: ApiObject;
  readonly previous: ApiObject | undefined;
}

/** Events kept for watches that come back; older ones are forgotten, and such a watch gets 410. */
const historyLimit = 20_000;

/** Objects by kind, namespace and name, with one resourceVersion counter for all, and the history that watches replay. */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #history: StoreEvent[] = [];
  #version = 1;
  #compacted = 0;

  /** The resourceVersion of the last change. */
  get version(): number {
    return this.#version;
  }

  get(resource: string, namespace: string, name: string): ApiObject | undefined {
    return this.#objects.get(resource)?.get(`${namespace}/${name}`);
  }

  /** The objects of a kind in the order of their keys; of all namespaces when `namespace` is empty. */
  list(resource: string, namespace = ''): readonly ApiObject[] {
    const keys = [...(this.#objects.get(resource) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return keys.map(([, object]) => object).filter((object) => namespace === '' || object.metadata.namespace === namespace);
  }

  /** Stores an object under a new resourceVersion and returns it as it is now. */
  put(resource: string, object: ApiObject): ApiObject {
    const { namespace = '', name } = object.metadata;
    const previous = this.get(resource, namespace, name);
    const kind = this.#objects.get(resource) ?? new Map<string, ApiObject>();
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    return this.#record({ type, resource, object, previous }, (stored) =>
      this.#objects.set(resource, kind.set(`${namespace}/${name}`, stored)),
    );
  }

  /** Takes an object out; returns it with the resourceVersion of the deletion. */
  remove(resource: string, object: ApiObject): ApiObject {
    const { namespace = '', name } = object.metadata;
    const previous = this.get(resource, namespace, name);
    return this.#record({ type: 'DELETED', resource, object, previous }, () => this.#objects.get(resource)?.delete(`${namespace}/${name}`));
  }

  /** What happened after a version, oldest first; undefined when that is no longer known. */
  since(version: number): readonly StoreEvent[] | undefined {
    return version < this.#compacted ? undefined : this.#history.filter((event) => event.version > version);
  }

  /** Forgets the history: older versions can neither be watched from nor continued. */
  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  onEvent(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(change: Omit<StoreEvent, 'version'>, keep: (object: ApiObject) => void): ApiObject {
    const version = ++this.#version;
    const object = { ...change.object, metadata: { ...change.object.metadata, resourceVersion: String(version) } };
    keep(object);
    const event = { ...change, version, object };
    this.#history.push(event);
    if (this.#history.length > historyLimit) this.#compacted = this.#history.shift()?.version ?? this.#compacted;
    for (const listener of this.#listeners) listener(event);
    return object;
  }
}
