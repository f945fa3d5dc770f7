import { describe, expect, it } from 'vitest';
import { nodeName } from '../../../../src/core/model/ids.ts';
import type { NodeFacts } from '../../../../src/core/model/nodes.ts';
import { parseLabelSelector } from '../../../../src/core/model/parse-selector.ts';
import type { PoolPolicy } from '../../../../src/core/model/policy.ts';
import type { LabelSelector } from '../../../../src/core/model/settings.ts';
import type { PoolDemand } from '../../../../src/core/pool/classify-node.ts';
import { NOW_MS, node } from '../../../support/builders.ts';
import { cordoned, decide, excluded, notReady, tainted } from './decide.ts';

/** One node beside two healthy ones, so that no floor comes into the picture. */
interface Case {
  readonly facts?: Partial<NodeFacts>;
  readonly member?: false;
  readonly policy?: Partial<PoolPolicy>;
  readonly demand?: Partial<PoolDemand>;
  /** With `externalTrafficPolicy: Local`: whether an endpoint on the node is ready. */
  readonly endpoint?: boolean;
}
type Row = readonly [title: string, given: Case, verdict: string, words: string];

const selector = (text: string): LabelSelector => {
  const parsed = parseLabelSelector(text);
  if (parsed.kind !== 'selector') throw new Error(text);
  return parsed.selector;
};
const labels = (text: string): Partial<NodeFacts> => ({
  labels: Object.fromEntries(text.split(',').map((one) => [one.split('=')[0], one.split('=')[1] ?? ''])),
});
const taint = (key: string, effect = 'NoSchedule'): Partial<NodeFacts> => ({ taints: [{ key, effect }] });
const drain = (value: string): Partial<NodeFacts> => ({ annotations: { 'poolkeeper.dev/drain': value } });
const addresses = (...all: readonly string[]): Partial<NodeFacts> => ({
  addresses: all.map((one) => ({ type: one.split(' ')[0] ?? '', address: one.split(' ')[1] ?? '' })),
});
const readySince = (seconds: number): Partial<NodeFacts> => ({ readyChangedAtMs: NOW_MS - seconds * 1000 });
const backIn = (seconds: number): Partial<PoolDemand> => ({ stayOut: new Map([[nodeName('n2'), NOW_MS + seconds * 1000]]) });
const EVERY_TYPE = { addressTypes: ['InternalIP', 'ExternalIP', 'Hostname'] };
const ROLE = 'node-role.kubernetes.io';

function decideOne({ facts, member, policy, demand, endpoint }: Case): { readonly verdict: string; readonly words: string } {
  const nodes = [node('n1'), node('n2', facts), node('n3')];
  const members = member === false ? ['n1', 'n3'] : ['n1', 'n2', 'n3'];
  const local = endpoint === undefined ? {} : { local: endpoint ? ['n1', 'n2', 'n3'] : ['n1', 'n3'] };
  const { decisions } = decide({ nodes, members, ...local, ...(policy && { policy }), demand: { minBackends: 0, ...demand } });
  const one = decisions.find((decision) => decision.node === 'n2');
  return { verdict: `${one?.in === true ? 'in' : 'out'} ${one?.code}`, words: one?.reason ?? '' };
}

const READY: readonly Row[] = [
  ['a healthy member', {}, 'in ready', 'Ready'],
  ['a healthy newcomer', { member: false }, 'in ready', 'Ready'],
  ['NotReady', { facts: notReady }, 'out not-ready', 'the node is not Ready'],
  ['NotReady, and never in', { facts: notReady, member: false }, 'out not-ready', 'the node is not Ready'],
  ['NotReady and cordoned: a failure, not a wish', { facts: { ...notReady, ...cordoned } }, 'out not-ready', 'the node is not Ready'],
  ['being deleted', { facts: { deleting: true } }, 'out deleting', 'the node is being deleted'],
  ['being deleted and NotReady', { facts: { deleting: true, ...notReady } }, 'out deleting', 'the node is being deleted'],
];

const WISHES: readonly Row[] = [
  ['cordoned', { facts: cordoned }, 'out cordoned', 'the node is cordoned'],
  ['cordoned, which is not to drain', { facts: cordoned, policy: { drainOnCordon: false } }, 'in ready', 'Ready'],
  ['cordoned before it ever came in', { facts: cordoned, member: false }, 'out cordoned', 'the node is cordoned'],
  ['a draining taint', { facts: tainted }, 'out tainted', 'the node has the draining taint ToBeDeletedByClusterAutoscaler'],
  ['another taint', { facts: taint('gpu') }, 'in ready', 'Ready'],
  ['a taint that evicts, which is not configured', { facts: taint('gpu', 'NoExecute') }, 'in ready', 'Ready'],
  ['a taint whose key only begins alike', { facts: taint('ToBeDeletedByClusterAutoscaler2') }, 'in ready', 'Ready'],
  [
    'a configured key: any effect',
    { facts: taint('bye', 'PreferNoSchedule'), policy: { drainingTaints: ['bye'] } },
    'out tainted',
    'the node has the draining taint bye',
  ],
  [
    'a configured key and effect',
    { facts: taint('bye', 'NoExecute'), policy: { drainingTaints: ['bye:NoExecute'] } },
    'out tainted',
    'the node has the draining taint bye',
  ],
  ['a configured key with another effect', { facts: taint('bye'), policy: { drainingTaints: ['bye:NoExecute'] } }, 'in ready', 'Ready'],
  ['no draining taint configured', { facts: tainted, policy: { drainingTaints: [] } }, 'in ready', 'Ready'],
  [
    'the second taint drains',
    { facts: { taints: [{ key: 'gpu', effect: 'NoSchedule' }, ...tainted.taints] } },
    'out tainted',
    'the node has the draining taint ToBeDeletedByClusterAutoscaler',
  ],
  ['the drain annotation', { facts: drain('true') }, 'out drained', 'the node has the annotation poolkeeper.dev/drain'],
  [
    'the drain annotation does not need drain.onCordon',
    { facts: drain('true'), policy: { drainOnCordon: false } },
    'out drained',
    'the node has the annotation poolkeeper.dev/drain',
  ],
  [
    'the drain annotation, with a reason',
    { facts: { annotations: { 'poolkeeper.dev/drain': 'true', 'poolkeeper.dev/drain-reason': ' new\n\u001b[2J disk ' } } },
    'out drained',
    'the node has the annotation poolkeeper.dev/drain: new [2J disk',
  ],
  ['a reason without the drain annotation', { facts: { annotations: { 'poolkeeper.dev/drain-reason': 'new disk' } } }, 'in ready', 'Ready'],
  ['the drain annotation says false', { facts: drain('false') }, 'in ready', 'Ready'],
  ['the drain annotation is empty', { facts: drain('') }, 'in ready', 'Ready'],
  ['drained and cordoned', { facts: { ...drain('true'), ...cordoned } }, 'out drained', 'the node has the annotation poolkeeper.dev/drain'],
  [
    'tainted and cordoned',
    { facts: { ...tainted, ...cordoned } },
    'out tainted',
    'the node has the draining taint ToBeDeletedByClusterAutoscaler',
  ],
];

const LABELS: readonly Row[] = [
  [
    'excluded, with an empty value',
    { facts: excluded },
    'out excluded',
    'it has the label node.kubernetes.io/exclude-from-external-load-balancers',
  ],
  [
    'excluded, whatever the value',
    { facts: labels('node.kubernetes.io/exclude-from-external-load-balancers=false') },
    'out excluded',
    'it has the label node.kubernetes.io/exclude-from-external-load-balancers',
  ],
  ['control plane', { facts: labels(`${ROLE}/control-plane`) }, 'out control-plane', 'it is a control-plane node'],
  ['master of old', { facts: labels(`${ROLE}/master=true`) }, 'out control-plane', 'it is a control-plane node'],
  ['control plane that may serve', { facts: labels(`${ROLE}/control-plane`), policy: { controlPlane: true } }, 'in ready', 'Ready'],
  [
    'control plane that may serve, excluded',
    { facts: { labels: { ...labels(`${ROLE}/control-plane`).labels, ...excluded.labels } }, policy: { controlPlane: true } },
    'out excluded',
    'it has the label node.kubernetes.io/exclude-from-external-load-balancers',
  ],
  ['another role', { facts: labels(`${ROLE}/worker`) }, 'in ready', 'Ready'],
  ['matches the configured selector', { facts: labels('disk=ssd'), policy: { nodes: selector('disk!=hdd') } }, 'in ready', 'Ready'],
  [
    'key=value unmet',
    { facts: labels('disk=hdd'), policy: { nodes: selector('disk=ssd') } },
    'out not-selected',
    'it does not match disk=ssd of the configured node selector',
  ],
  [
    'key!=value unmet',
    { facts: labels('disk=hdd'), policy: { nodes: selector('disk!=hdd') } },
    'out not-selected',
    'it does not match disk!=hdd of the configured node selector',
  ],
  [
    'key in (…) unmet',
    { facts: labels('disk=hdd'), policy: { nodes: selector('disk in (ssd,nvme)') } },
    'out not-selected',
    'it does not match disk in (ssd,nvme) of the configured node selector',
  ],
  [
    'key notin (…) unmet',
    { facts: labels('disk=hdd'), policy: { nodes: selector('disk notin (hdd,tape)') } },
    'out not-selected',
    'it does not match disk notin (hdd,tape) of the configured node selector',
  ],
  [
    'a label that must exist',
    { facts: labels('disk=hdd'), policy: { nodes: selector('edge') } },
    'out not-selected',
    'it does not match edge of the configured node selector',
  ],
  [
    'a label that must not exist',
    { facts: labels('edge=1'), policy: { nodes: selector('!edge') } },
    'out not-selected',
    'it does not match !edge of the configured node selector',
  ],
  [
    'one requirement of two unmet',
    { facts: labels('disk=ssd,edge=1'), policy: { nodes: selector('disk=ssd,!edge') } },
    'out not-selected',
    'it does not match !edge of the configured node selector',
  ],
  [
    "the Service's selector",
    { facts: labels('disk=hdd'), demand: { nodes: selector('disk!=hdd') } },
    'out not-selected',
    "it does not match disk!=hdd of the Service's node selector",
  ],
  [
    'both selectors: the configured one is told',
    { facts: labels('disk=hdd'), policy: { nodes: selector('!disk') }, demand: { nodes: selector('disk!=hdd') } },
    'out not-selected',
    'it does not match !disk of the configured node selector',
  ],
  [
    'unfit before unwell',
    { facts: { ...excluded, ...notReady } },
    'out excluded',
    'it has the label node.kubernetes.io/exclude-from-external-load-balancers',
  ],
];

const ADDRESSES: readonly Row[] = [
  ['no address at all', { facts: addresses() }, 'out no-address', 'it has no IPv4 address of type InternalIP'],
  ['an empty address', { facts: addresses('InternalIP ') }, 'out no-address', 'it has no IPv4 address of type InternalIP'],
  ['only another type', { facts: addresses('ExternalIP 198.51.100.2') }, 'out no-address', 'it has no IPv4 address of type InternalIP'],
  ['another type that is allowed', { facts: addresses('ExternalIP 198.51.100.2'), policy: EVERY_TYPE }, 'in ready', 'Ready'],
  ['only the other family', { facts: addresses('InternalIP fd00::2') }, 'out no-address', 'it has no IPv4 address of type InternalIP'],
  [
    'only the other family, every type allowed',
    { facts: addresses('InternalIP fd00::2'), policy: EVERY_TYPE },
    'out no-address',
    'it has no IPv4 address of type InternalIP, ExternalIP, Hostname',
  ],
  [
    'IPv6 wanted and missing',
    { policy: { addressFamily: 'IPv6', addressTypes: ['ExternalIP'] }, facts: addresses('InternalIP 10.0.0.2') },
    'out no-address',
    'it has no IPv6 address of type ExternalIP',
  ],
  ['dual stack', { facts: addresses('InternalIP 10.0.0.2', 'InternalIP fd00::2') }, 'in ready', 'Ready'],
  ['dual stack, the other family first', { facts: addresses('InternalIP fd00::2', 'InternalIP 10.0.0.2') }, 'in ready', 'Ready'],
  [
    'dual stack by two types, of which one is allowed',
    { facts: addresses('ExternalIP 198.51.100.2', 'InternalIP fd00::2') },
    'out no-address',
    'it has no IPv4 address of type InternalIP',
  ],
  ['a host name alone, which is allowed', { facts: addresses('Hostname n2.example.com'), policy: EVERY_TYPE }, 'in ready', 'Ready'],
  [
    'a name of the internal DNS, which is no type that was asked for',
    { facts: addresses('InternalDNS n2.internal'), policy: EVERY_TYPE },
    'out no-address',
    'it has no IPv4 address of type InternalIP, ExternalIP, Hostname',
  ],
  ['a dual-stack Service', { demand: { ipFamilies: ['IPv6', 'IPv4'] } }, 'in ready', 'Ready'],
  ['a Service of one family, the wanted one', { demand: { ipFamilies: ['IPv4'] } }, 'in ready', 'Ready'],
];

const LOCAL: readonly Row[] = [
  ['Local, with a ready endpoint', { endpoint: true }, 'in ready', 'Ready'],
  ['Local, without', { endpoint: false }, 'out no-endpoint', 'externalTrafficPolicy is Local and no ready endpoint runs on it'],
  ['Local, a newcomer with a ready endpoint', { endpoint: true, member: false }, 'in ready', 'Ready'],
  ['Local, cordoned while others serve', { endpoint: true, facts: cordoned }, 'out cordoned', 'the node is cordoned'],
  [
    'Local, cordoned and without',
    { endpoint: false, facts: cordoned },
    'out no-endpoint',
    'externalTrafficPolicy is Local and no ready endpoint runs on it',
  ],
  ['Local, NotReady', { endpoint: false, facts: notReady }, 'out not-ready', 'the node is not Ready'],
  ['Local, drained', { endpoint: true, facts: drain('true') }, 'out drained', 'the node has the annotation poolkeeper.dev/drain'],
];

const GRACE: readonly Row[] = [
  [
    'a newcomer, Ready for 4 s of 10',
    { member: false, facts: readySince(4) },
    'out grace',
    'Ready only since a moment; it comes in after 6 s more',
  ],
  ['a newcomer, Ready for 10 s of 10', { member: false, facts: readySince(10) }, 'in ready', 'Ready'],
  ['no grace configured', { member: false, facts: readySince(0), policy: { graceMs: 0 } }, 'in ready', 'Ready'],
  ['a member, Ready for 4 s', { facts: readySince(4) }, 'in ready', 'Ready'],
  ['left a moment ago', { member: false, demand: backIn(3) }, 'out grace', 'it left only a moment ago; it comes in after 3 s more'],
  ['left, and its time is over', { member: false, demand: backIn(0) }, 'in ready', 'Ready'],
  [
    'left and Ready again: the later one counts',
    { member: false, facts: readySince(2), demand: backIn(3) },
    'out grace',
    'Ready only since a moment; it comes in after 8 s more',
  ],
  [
    'Ready again and left twice: the later one counts',
    { member: false, facts: readySince(4), demand: backIn(15) },
    'out grace',
    'it left only a moment ago; it comes in after 15 s more',
  ],
  ['a member that is told to stay out is in already', { demand: backIn(3) }, 'in ready', 'Ready'],
  ['a cordon is told before a grace', { member: false, facts: { ...cordoned, ...readySince(4) } }, 'out cordoned', 'the node is cordoned'],
];

describe('whether a node is a backend, beside two that are', () => {
  const rows = [...READY, ...WISHES, ...LABELS, ...ADDRESSES, ...LOCAL, ...GRACE];
  it.each(rows)('%s', (_title, given, verdict, words) => {
    expect(decideOne(given)).toEqual({ verdict, words });
  });
});

describe('a Service of another IP family than the configured one', () => {
  it('has no backends: its NodePort answers at no such address', () => {
    const nodes = [node('n1', addresses('InternalIP fd00::1')), node('n2', addresses('Hostname n2.example.com'))];
    const { decisions } = decide({
      nodes,
      members: [],
      policy: { addressFamily: 'IPv6', addressTypes: ['InternalIP', 'Hostname'] },
      demand: { ipFamilies: ['IPv4'] },
    });
    expect(decisions).toEqual([
      { node: 'n1', in: false, code: 'no-address', reason: 'the Service answers at IPv4 only, and IPv6 is configured' },
      { node: 'n2', in: true, code: 'ready', reason: 'Ready' },
    ]);
  });
});
