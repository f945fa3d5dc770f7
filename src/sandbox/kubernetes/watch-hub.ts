import { ApiError, statusOf } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import type { ObjectStore, StoreEvent } from './object-store.ts';
import { apiVersionOf, type ResourceType } from './resource-types.ts';
import type { Selector } from './selectors.ts';

/** What a client wants to see, and where its events go. */
export interface WatchRequest {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly selector: Selector;
  /** The version after which events are wanted; undefined for "what is there, then what comes". */
  readonly after: number | undefined;
  readonly send: (event: { readonly type: string; readonly object: unknown }) => void;
  /** Ends the answer. */
  readonly end: () => void;
}

/** Sends the changes of the store to open watches. */
export class WatchHub {
  readonly #store: ObjectStore;
  readonly #open = new Set<WatchRequest>();

  constructor(store: ObjectStore) {
    this.#store = store;
    store.onEvent((event) => {
      for (const watch of this.#open) deliver(watch, event);
    });
  }

  /** Opens a watch and returns the function that forgets it. A version that is no longer known is answered with one ERROR event. */
  open(watch: WatchRequest): () => void {
    const { type, namespace, selector, after } = watch;
    const missed = after === undefined ? [] : this.#store.since(after);
    if (missed === undefined) {
      const error = new ApiError(410, 'Expired', `too old resource version: ${after} (${this.#store.version})`);
      watch.send({ type: 'ERROR', object: statusOf(error) });
      watch.end();
      return () => undefined;
    }
    const present = after === undefined ? this.#store.list(type.resource, namespace).filter(selector) : [];
    for (const object of present) watch.send({ type: 'ADDED', object });
    for (const event of missed) deliver(watch, event);
    this.#open.add(watch);
    return () => this.#open.delete(watch);
  }

  /** Tells a watch that nothing is missing up to now. */
  bookmark({ type, send }: WatchRequest): void {
    const metadata = { resourceVersion: String(this.#store.version) };
    send({ type: 'BOOKMARK', object: { kind: type.kind, apiVersion: apiVersionOf(type), metadata } });
  }

  /** Ends the open watches of a kind, or all. */
  endAll(resource?: string): void {
    for (const watch of this.#open) if (resource === undefined || watch.type.resource === resource) watch.end();
  }
}

/** An object that begins or ceases to match is added or deleted, as seen by this watch. */
function deliver(watch: WatchRequest, { type, resource, object, previous, version }: StoreEvent): void {
  if (resource !== watch.type.resource || (watch.namespace !== '' && object.metadata.namespace !== watch.namespace)) return;
  const isNew = previous === undefined || !watch.selector(previous);
  if (type !== 'DELETED' && watch.selector(object)) watch.send({ type: isNew ? 'ADDED' : 'MODIFIED', object });
  else if (!isNew) watch.send({ type: 'DELETED', object: atVersion(previous, version) });
}

const atVersion = (object: ApiObject, version: number): ApiObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(version) },
});
