import { consulNodePrefix, deploymentsPrefix, isOwnMeta, ownMeta, ownPrefix } from '../../core/model/consul-names.ts';
import { MANAGED_BY, META } from '../../core/model/marks.ts';
import type { KvEntry, RegistryState } from '../../core/model/registration.ts';
import { AppError } from '../../shared/errors.ts';
import { type ProblemCode, problem } from '../../shared/problem.ts';
import { type Assembled, assembleRegistry, mayBeOurs } from './assemble-registry.ts';
import type { Answer, ConsulClient } from './consul-client.ts';
import type { CatalogInstance, KeyValue } from './decode-answer.ts';
import { mapLimited } from './map-limited.ts';
import { type AgentReading, readAgents } from './read-agents.ts';
import { type ForeignTags, readForeignTags } from './read-foreign-tags.ts';
import { readSpecifications, type SpecificationReading } from './read-specifications.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import { shareInstances } from './share-instances.ts';

/** One full reading of Consul. */
export interface RegistryReading extends Assembled {
  /** The highest index seen, for Snapshot.index. */
  readonly index: number;
  readonly instances: InstanceReading;
  readonly specifications: SpecificationReading;
}

/** The instances on the nodes that are ours or may be, what others have, and the index of all services that they were read at. */
export interface InstanceReading {
  readonly servicesIndex: number;
  readonly byNode: ReadonlyMap<string, readonly CatalogInstance[]>;
  readonly agents: AgentReading;
  readonly foreign: ForeignTags;
}

/** What is read, and what is known of it already. */
export interface RegistryRequest {
  readonly client: ConsulClient;
  readonly identity: RegistryIdentity;
  readonly previous?: InstanceReading;
  /** The instances of ours that are known; those that are still the same keep their identity. */
  readonly registered?: RegistryState['instances'];
  readonly specifications?: SpecificationReading;
  /** True when this replica may write. */
  readonly leads?: boolean;
  /** False where what was deployed is not recorded. */
  readonly history?: boolean;
}

/** Nodes read at the same time. */
const PARALLEL_NODES = 8;

/** What tells our nodes from all others, as `node-meta` pairs. */
export const ownNodeMeta = ({ owner, cluster }: RegistryIdentity): readonly string[] =>
  Object.entries(ownMeta(owner, cluster)).map(([key, value]) => `${key}:${value}`);

/** The filter (`and` before `or`) for our nodes and for those of others whose names begin like ours, in whatever case. */
export function nodeFilter({ owner, cluster, nodePrefix }: RegistryIdentity): string {
  const marks = Object.entries(ownMeta(owner, cluster)).map(([key, value]) => `Meta["${key}"] == "${value}"`);
  const prefix = consulNodePrefix(nodePrefix, cluster).replaceAll('.', '[.]');
  return `${marks.join(' and ')} or Node matches "(?i)^${prefix}"`;
}

/**
 * The filter for instances that are not ours, nor of a cluster that shares its names as we do. Consul evaluates it on every instance
 * (40 ms for 10,000): what names our owner and cluster counts as ours, without a look at who wrote it.
 */
export function foreignFilter({ owner, cluster, sharedService }: RegistryIdentity): string {
  const differs = ([key, value]: readonly [string, string]): string => `ServiceMeta["${key}"] != "${value}"`;
  const notOurs = Object.entries({ [META.cluster]: cluster, [META.owner]: owner }).map(differs);
  if (sharedService !== true) return notOurs.join(' or ');
  const notSharing = Object.entries({ [META.managedBy]: MANAGED_BY, [META.shared]: 'true' }).map(differs);
  // Without parentheses, which `and` before `or` makes unnecessary.
  return notOurs.flatMap((one) => notSharing.map((other) => `${one} and ${other}`)).join(' or ');
}

/**
 * Reads all that is ours in Consul, and what stands in our way, by consistent reads. Throws when any part fails, or when Consul
 * says that it left something out. `previous` spares reading each node again while no service of the catalog has changed,
 * `specifications` the same of that tree; with `leads` false it is taken as it was, for nothing is written on its word.
 */
export async function readRegistry(request: RegistryRequest, signal: AbortSignal): Promise<RegistryReading> {
  const { client, identity, previous } = request;
  const { keyPath, cluster } = identity;
  const [nodes, services, checks, deployments, own, specifications] = await Promise.all([
    client.listNodes(nodeFilter(identity), signal),
    client.listServices({ filter: foreignFilter(identity) }, signal),
    client.listChecks({ nodeMeta: ownNodeMeta(identity) }, signal),
    client.readTree(deploymentsPrefix(keyPath), signal),
    client.readTree(ownPrefix(keyPath, cluster), signal),
    readSpecificationsOnce(request, signal),
  ]);
  const answers: readonly Answer<unknown>[] = [nodes, services, checks, deployments, own];
  refuseFiltered(answers);
  const marked = nodes.value.filter(({ meta }) => isOwnMeta(meta, identity.owner, cluster));
  const wiped = nodes.value.filter((node) => !marked.includes(node) && mayBeOurs(node, identity));
  const known = previous?.servicesIndex === services.index ? previous.byNode : new Map<string, readonly CatalogInstance[]>();
  const read = await mapLimited([...marked, ...wiped], PARALLEL_NODES, async ({ name }) => {
    const instances = known.get(name) ?? (await readInstances(client, name, signal));
    return [name, instances] as const;
  });
  // The list of checks goes by the Meta of the nodes.
  const more = await mapLimited(wiped, PARALLEL_NODES, ({ name }) => client.listNodeChecks(name, signal));
  refuseFiltered(more);
  const unchanged = read.every(([name, instances]) => instances === known.get(name));
  const byNode = unchanged ? new Map(read) : shareInstances(new Map(read), request.registered ?? new Map());
  const kv = [...[...deployments.value, ...own.value].map(kvEntry), ...specifications.entries.values()];
  const allChecks = [...checks.value, ...more.flatMap(({ value }) => value)];
  const index = Math.max(specifications.index, ...answers.map((answer) => answer.index));
  const assembled = assembleRegistry({ nodes: nodes.value, byNode, services: [...services.value.keys()], checks: allChecks, kv }, identity);
  const sameServices = previous?.servicesIndex === services.index;
  const agents = await readAgents(
    { client, state: assembled.state, deployments: deployments.value, known: sameServices ? previous.agents : undefined, refuseFiltered },
    signal,
  );
  const names = assembled.state.foreignServices;
  const foreign = await readForeignTags(
    { client, identity, services: services.value, names, known: sameServices ? previous.foreign : undefined, refuseFiltered },
    signal,
  );
  const instances = { servicesIndex: services.index, byNode, agents, foreign };
  const state = { ...assembled.state, foreignTags: foreign, agents };
  return { ...assembled, state, index, instances, specifications };
}

/** The history of the pools. Where it is not kept, a token need not show it. */
async function readSpecificationsOnce(request: RegistryRequest, signal: AbortSignal): Promise<SpecificationReading> {
  const { client, identity, specifications: previous, leads, history } = request;
  if (leads !== true && previous !== undefined) return previous;
  try {
    return await readSpecifications({ client, keyPath: identity.keyPath, previous, refuseFiltered }, signal);
  } catch (error) {
    const hidden = error instanceof AppError && HIDDEN.has(error.problem.code);
    if (history === false && hidden) return { index: 0, entries: new Map() };
    throw error;
  }
}

const HIDDEN: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['CONSUL_FORBIDDEN', 'CONSUL_FILTERED']);

async function readInstances(client: ConsulClient, node: string, signal: AbortSignal): Promise<readonly CatalogInstance[]> {
  const answer = await client.listInstances(node, signal);
  refuseFiltered([answer]);
  // Deleted since the nodes were listed: the next reading shows it.
  return answer.value ?? [];
}

function refuseFiltered(answers: readonly Answer<unknown>[]): void {
  if (answers.some(({ filtered }) => filtered)) {
    throw new AppError(problem('CONSUL_FILTERED', 'Consul left out what the token may not see'));
  }
}

const kvEntry = ({ key, value, flags, modifyIndex }: KeyValue): KvEntry => ({ key, value, flags, modifyIndex });
