import { canaryServiceName } from '../model/consul-names.ts';
import type { ConsulRight } from '../model/consul-right.ts';
import { type ConsulRightsInput, type ConsulRule, consulRules } from './consul-rules.ts';

/** The least ACL policy, as HCL with comments: what `consul acl policy create -rules` takes. Ends with a line break. */
export function consulPolicy(input: ConsulRightsInput): string {
  const blocks = consulRules(input).map((rule, index, rules) => ({
    rule,
    text: [...(rules[index - 1]?.right === rule.right ? [] : commentOf(rule.right, input)), blockOf(rule)].join('\n'),
  }));
  const { namespace, partition } = input;
  // Nodes and agents belong to a partition, and all else to a namespace in it.
  const inPartition = blocks.filter(({ rule }) => isOfPartition(rule.right)).map(({ text }) => text);
  const inNamespace = blocks.filter(({ rule }) => !isOfPartition(rule.right)).map(({ text }) => text);
  const body =
    namespace === undefined ? blocks.map(({ text }) => text) : [...inPartition, enclosed(`namespace ${quoted(namespace)}`, inNamespace)];
  return `${[headOf(input), ...(partition === undefined ? body : [enclosed(`partition ${quoted(partition)}`, body)])].join('\n\n')}\n`;
}

/** A rule in one line, for messages. */
export const ruleText = ({ resource, name, policy }: ConsulRule): string => `${resource} ${quoted(name)} { policy = "${policy}" }`;

const isOfPartition = (right: ConsulRight): boolean => right === 'nodes' || right === 'own-nodes' || right === 'agent';

const blockOf = ({ resource, name, policy }: ConsulRule): string => `${resource} ${quoted(name)} {\n  policy = "${policy}"\n}`;

const enclosed = (head: string, blocks: readonly string[]): string => `${head} {\n${blocks.join('\n\n').replace(/^(?=.)/gm, '  ')}\n}`;

const quoted = (name: string): string => JSON.stringify(name);

const comment = (text: string): readonly string[] => text.split('\n').map((line) => `# ${line}`);

function headOf({ cluster, keyPath, nodePrefix }: ConsulRightsInput): string {
  return comment(
    `What poolkeeper may do in Consul, for \`cluster: ${cluster}\`, \`consul.nodePrefix: ${nodePrefix}\` and \`consul.keyPath: ${keyPath}\`.
\`poolkeeper doctor consul --policy\` prints it for any configuration, and \`poolkeeper doctor consul\` tells what a token lacks. Then:
  consul acl policy create -name poolkeeper-${cluster} -rules @policy.hcl
  consul acl token create -description "poolkeeper ${cluster}" -policy-name poolkeeper-${cluster}
Take one rule away and poolkeeper says so (CONSUL_FORBIDDEN, CONSUL_FILTERED) and writes nothing; only agent_prefix is optional.`,
  ).join('\n');
}

function commentOf(right: ConsulRight, input: ConsulRightsInput): readonly string[] {
  return comment(COMMENTS[right](input));
}

const COMMENTS: Readonly<Record<ConsulRight, (input: ConsulRightsInput) => string>> = {
  nodes: () => `All nodes, to see whose a node is before one of that name is written. Consul leaves out what a token may not read, and an
answer with gaps counts as no answer.`,
  'own-nodes': ({
    cluster,
  }) => `The nodes that stand for the nodes of this cluster. A cluster whose name begins with "${cluster}-" would share the prefix:
poolkeeper still tells them apart by their Meta, this rule does not.`,
  services: ({ cluster, services }) =>
    services === undefined
      ? `A Consul service has the name of its Kubernetes Service unless told otherwise, so any name may come. Where the names are
known, give "" only read, and write to "${canaryServiceName(cluster)}" (poolkeeper's own, by which it sees that its rights are whole) and to
each of them; \`poolkeeper doctor consul --policy --exact PATH\` prints that for the specs at a path:
  service_prefix "" { policy = "read" }
  service "${canaryServiceName(cluster)}" { policy = "write" }
  service "web" { policy = "write" }`
      : `The Consul services of the specs, and "${canaryServiceName(cluster)}": poolkeeper's own, by which it sees that its rights are whole.
All others are read, for a name may be taken.`,
  'pool-keys': () => 'The pools. Shared by all clusters on this Consul, as other readers of the tree expect it.',
  'history-keys': () => 'What was wanted and deployed of each pool, with a short history; not needed in mode `catalog`.',
  'own-keys': () => 'What poolkeeper remembers: the leader, pools that drain, its memory.',
  sessions: () => `Who leads. A session belongs to the agent that is asked: with the names of those agents, write
  session "consul-server-1" { policy = "write" }`,
  agent: () => `Optional: the version of Consul, and with it how much one transaction takes. Without it poolkeeper assumes the limits of
Consul before 1.14: pools of about 56 backends instead of 120.`,
};
