import type { NodeName } from './ids.ts';
import { nodeName } from './ids.ts';
import { SETTINGS } from './marks.ts';
import type { JsonObject, JsonValue } from './objects.ts';

/**
 * The annotation that we add to a Service in its entry under `deployments/`: what consul-template is to have the agents register
 * (`deploy/consul-template/`). It stands nowhere else, and readers of the ancestor pass it over.
 */
export const AGENTS_ANNOTATION = 'poolkeeper.dev/agents';

/** What agents are told to register: the annotation's JSON. */
export interface ToldAgents {
  /** Name of the Consul service. */
  readonly service: string;
  /** The NodePort. */
  readonly port: number;
  readonly tags: readonly string[];
  /** The Kubernetes nodes whose agents register it, in the order of their names. */
  readonly nodes: readonly NodeName[];
}

/** The annotation of a pool that no agent is to register: nothing but that is said, and the entry stays short. */
export const NOBODY = JSON.stringify({ nodes: [] });

/** The annotation's text. */
export const toldText = (told: ToldAgents): string => (told.nodes.length === 0 ? NOBODY : JSON.stringify(told));

/** What an entry under `deployments/` says to agents. */
export interface ReadEntry {
  /** Name of the Consul service under which agents register it; empty for an entry that is no Service. */
  readonly service: string;
  /** The nodes whose agents register it; undefined where nothing is said, so that all do. */
  readonly nodes: readonly NodeName[] | undefined;
  /** The tags that they register it with; absent where nothing is said. */
  readonly tags?: readonly string[];
}

/** Reads an entry, ours or not, also one that cannot be read as anything. */
export function readEntry(stored: string): ReadEntry {
  const metadata = child(parseObject(stored), 'metadata');
  const annotations = child(metadata, 'annotations');
  const told = parseObject(text(annotations, AGENTS_ANNOTATION));
  const list = told?.['nodes'];
  const nodes = Array.isArray(list) ? list.flatMap((name) => (typeof name === 'string' ? [nodeName(name)] : [])) : undefined;
  const tags = told?.['tags'];
  const said = Array.isArray(tags) ? { tags: tags.filter((tag) => typeof tag === 'string') } : {};
  return { ...said, service: text(told, 'service') || text(annotations, SETTINGS.serviceName) || text(metadata, 'name'), nodes };
}

/** A JSON object; undefined for any other text. */
export function parseObject(stored: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(stored) as JsonValue);
  } catch {
    return undefined;
  }
}

const asObject = (value: JsonValue | undefined): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;

const child = (from: JsonObject | undefined, name: string): JsonObject | undefined => asObject(from?.[name]);

function text(from: JsonObject | undefined, name: string): string {
  const value = from?.[name];
  return typeof value === 'string' ? value : '';
}
