import type { Action, NodeAction } from '../../src/core/model/action.ts';
import { nodeName } from '../../src/core/model/ids.ts';
import type { NodeFacts } from '../../src/core/model/nodes.ts';
import type { JsonObject } from '../../src/core/model/objects.ts';
import type { AgentInstance, RegistryState } from '../../src/core/model/registration.ts';
import { snapshotValue } from '../../src/core/model/snapshot.ts';
import { AGENTS_ANNOTATION, type ToldAgents } from '../../src/core/model/told-agents.ts';
import type { World } from '../../src/core/model/world.ts';
import { complete, EMPTY_REGISTRY, keys } from './builders.ts';

/** The agent of a node as read from the catalog. */
export function agentInstance({ name, addresses }: NodeFacts, more: Partial<AgentInstance> = {}): AgentInstance {
  const [{ address } = { address: '' }] = addresses;
  return { consulNode: name, id: 'web', service: 'web', address, port: 0, tags: [], modifyIndex: 3, ...more };
}

/** Agents of a world that follow the entry of one pool, each when it is asked to. */
export const agentsIn = ({ registry }: World): readonly AgentInstance[] => snapshotValue(registry)?.agents?.get('web') ?? [];

/** The world in which these agents register the service `web`. */
export function withAgents(world: World, agents: readonly AgentInstance[]): World {
  const state: RegistryState = snapshotValue(world.registry) ?? EMPTY_REGISTRY;
  const foreign = new Set([...state.foreignServices].filter((name) => name !== 'web'));
  if (agents.length > 0) foreign.add('web');
  const registered = agents.length === 0 ? new Map() : new Map([['web', agents]]);
  return { ...world, registry: complete({ ...state, foreignServices: foreign, agents: registered }) };
}

/** What the entry of a pool of the namespace `default` tells agents; undefined when there is none, or it says nothing. */
export function toldIn({ registry }: World, name = 'web'): Partial<ToldAgents> | undefined {
  const stored = snapshotValue(registry)?.kv.get(keys.deployments(`default/${name}`))?.value;
  if (stored === undefined) return undefined;
  const { metadata } = JSON.parse(stored) as { readonly metadata: { readonly annotations: JsonObject } };
  const text = metadata.annotations[AGENTS_ANNOTATION];
  return typeof text === 'string' ? (JSON.parse(text) as Partial<ToldAgents>) : undefined;
}

/** The world after the agent of one node has read what it is told. */
export function follow(world: World, node: NodeFacts): World {
  const others = agentsIn(world).filter(({ consulNode }) => consulNode !== node.name);
  const told = toldIn(world);
  if (told?.nodes?.includes(nodeName(node.name)) !== true) return withAgents(world, others);
  return withAgents(world, [...others, agentInstance(node, { port: told.port ?? 0, tags: told.tags ?? [] })]);
}

/** The world after actions have taken away what agents had registered. */
export function withoutRemoved(world: World, actions: readonly Action[]): World {
  const removed = new Set(
    actions.flatMap((action) => (action.kind === 'register-pool' ? action.remove.map(({ consulNode, id }) => `${consulNode}/${id}`) : [])),
  );
  return withAgents(
    world,
    agentsIn(world).filter(({ consulNode, id }) => !removed.has(`${consulNode}/${id}`)),
  );
}

/** The registry in which exactly these agents register. */
export function registeredBy(state: RegistryState, agents: readonly AgentInstance[]): RegistryState {
  const names = Map.groupBy(agents, ({ service }) => service);
  const before = new Set(state.agents?.keys());
  const others = [...state.foreignServices].filter((name) => !before.has(name));
  return { ...state, foreignServices: new Set([...others, ...names.keys()]), agents: names };
}

/** The world after an action that has taken the place of agents. */
export function withoutSwapped(world: World, action: Action | NodeAction): World {
  const state = snapshotValue(world.registry);
  if (state === undefined || action.kind !== 'register-pool') return world;
  const gone = new Set(action.remove.map(({ consulNode, id }) => `${consulNode}/${id}`));
  const agents = [...(state.agents?.values() ?? [])].flat();
  const left = agents.filter(({ consulNode, id }) => !gone.has(`${consulNode}/${id}`));
  return left.length === agents.length ? world : { ...world, registry: complete(registeredBy(state, left)) };
}
