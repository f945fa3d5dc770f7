import { once } from 'node:events';
import { connect } from 'node:net';

/** Reads and writes one Consul: `GET health/node/n1`, decoded. */
export type AskConsul = (method: 'GET' | 'PUT', path: string, body?: unknown) => Promise<unknown>;

/** A check as Consul shows it, with what consul-esm reads of it. */
interface ShownCheck {
  readonly Node: string;
  readonly CheckID: string;
  readonly Name: string;
  readonly Status: string;
  readonly Notes: string;
  readonly Output: string;
  readonly ServiceID: string;
  readonly ServiceName: string;
  readonly ServiceTags: readonly string[] | null;
  readonly Type: string;
  readonly ExposedPort: number;
  readonly Definition: { readonly TCP?: string; readonly Interval?: string; readonly Timeout?: string };
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
}

/** What came of a probe. */
export interface Verdict {
  readonly status: 'passing' | 'critical';
  readonly output: string;
}

/**
 * One round of consul-esm over the external nodes of a cluster, by the requests that it makes: every TCP check of a node is
 * tried, and where the outcome is not what Consul says, the node is read again consistently and the check written back whole by
 * compare-and-set, as Consul's Go client spells it. Gives the number of checks that it wrote.
 */
export async function probeOnce(ask: AskConsul, cluster: string, probe: (tcp: string) => Promise<Verdict> = tryTcp): Promise<number> {
  const meta = `node-meta=external-node:true&node-meta=cluster:${cluster}`;
  const nodes = (await ask('GET', `catalog/nodes?${meta}`)) as readonly { readonly Node: string }[];
  let written = 0;
  for (const { Node } of nodes) {
    for (const { CheckID, Definition } of await checksOf(ask, Node)) {
      if (Definition.TCP === undefined) continue;
      if (await report(ask, { node: Node, checkId: CheckID }, await probe(Definition.TCP))) written += 1;
    }
  }
  return written;
}

const checksOf = async (ask: AskConsul, node: string): Promise<readonly ShownCheck[]> =>
  (await ask('GET', `health/node/${node}?consistent`)) as readonly ShownCheck[];

async function report(
  ask: AskConsul,
  { node, checkId }: { readonly node: string; readonly checkId: string },
  { status, output }: Verdict,
): Promise<boolean> {
  const existing = (await checksOf(ask, node)).find(({ CheckID }) => CheckID === checkId);
  if (existing === undefined || (existing.Status === status && existing.Output === output)) return false;
  const { Interval = '', Timeout = '', TCP = '' } = existing.Definition;
  const definition = {
    Interval,
    Timeout,
    DeregisterCriticalServiceAfter: '0s',
    ...{ HTTP: '', Header: null, Method: '', Body: '', TLSServerName: '', TLSSkipVerify: false, TCP, TCPUseTLS: false, UDP: '' },
    ...{ GRPC: '', OSService: '', GRPCUseTLS: false },
  };
  const { Node, CheckID, Name, Notes, ServiceID, ServiceName, ServiceTags, Type, ExposedPort, CreateIndex, ModifyIndex } = existing;
  const named = { Node, CheckID, Name, Status: status, Notes, Output: output, ServiceID, ServiceName, ServiceTags, Type, ExposedPort };
  await ask('PUT', 'txn', [{ Check: { Verb: 'cas', Check: { ...named, Definition: definition, CreateIndex, ModifyIndex } } }]);
  return true;
}

/** A TCP connection, in the words of Consul's TCP check. */
async function tryTcp(tcp: string): Promise<Verdict> {
  const { hostname, port } = new URL(`tcp://${tcp}`);
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(2_000) });
    return { status: 'passing', output: `TCP connect ${tcp}: Success` };
  } catch {
    return { status: 'critical', output: `dial tcp ${tcp}: connect: connection refused` };
  } finally {
    socket.destroy();
  }
}
