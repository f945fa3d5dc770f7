import type { AgentInstance, RegistryState } from '../../core/model/registration.ts';
import { readEntry } from '../../core/model/told-agents.ts';
import type { Answer, ConsulClient } from './consul-client.ts';
import type { KeyValue, ServiceInstance } from './decode-answer.ts';
import { mapLimited } from './map-limited.ts';

/** What agents register of the Consul services that concern us, by name. */
export type AgentReading = ReadonlyMap<string, readonly AgentInstance[]>;

/** What is read, and what is known of it already. */
export interface AgentRequest {
  readonly client: ConsulClient;
  readonly state: Pick<RegistryState, 'instances' | 'foreignServices'>;
  /** What stands under `deployments/`. */
  readonly deployments: readonly KeyValue[];
  /** What was read at the same index of all services. */
  readonly known: AgentReading | undefined;
  readonly refuseFiltered: (answers: readonly Answer<unknown>[]) => void;
}

const PARALLEL_SERVICES = 8;
/** Meta that every Consul agent gives its node, and nobody writes by hand. */
const AGENT_META = 'consul-network-segment';

/** Reads what agents register of the names that we hold, or that the tree tells agents to register. At rest that is no request. */
export async function readAgents(request: AgentRequest, signal: AbortSignal): Promise<AgentReading> {
  const { client, state, deployments, known, refuseFiltered } = request;
  const concern = new Set(deployments.map(({ value }) => readEntry(value).service));
  for (const list of state.instances.values()) for (const { service } of list) concern.add(service);
  const names = [...state.foreignServices].filter((name) => concern.has(name));
  const read = await mapLimited(names, PARALLEL_SERVICES, async (name) => {
    const before = known?.get(name);
    if (before !== undefined) return [name, before] as const;
    const answer = await client.listServiceInstances(name, signal);
    refuseFiltered([answer]);
    return [name, answer.value.filter(isAgents).map(agentInstance)] as const;
  });
  return new Map(read);
}

const isAgents = ({ nodeMeta }: ServiceInstance): boolean => Object.hasOwn(nodeMeta, AGENT_META);

function agentInstance({ consulNode, id, service, address, nodeAddress, port, tags, modifyIndex }: ServiceInstance): AgentInstance {
  return { consulNode, id, service, address: address === '' ? nodeAddress : address, port, tags, modifyIndex };
}
