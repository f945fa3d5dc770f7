import { LATENCY_BUCKETS } from '../../../src/telemetry/metric-table.ts';
import {
  APART_S,
  backends,
  between,
  type Expected,
  type Facts,
  floors,
  GUESS,
  one,
  type PanelRow,
  plain,
  quantile,
  STATES,
  some,
  sum,
} from './panel-row.ts';
import { type FileState, fileStates, fitNodes, keyOf, type LiveObject, nodeReason, objectsOf, specOf } from './server-facts.ts';

const filesIn = (facts: Facts, ...states: readonly FileState[]): readonly string[] =>
  [...fileStates(facts.servers)].flatMap(([file, state]) => (states.includes(state) ? [file] : []));
const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;

/** Objects of a newcomer's file that another file owns. */
const contested = (facts: Facts): number =>
  filesIn(facts, 'conflict').reduce((total, file) => {
    const written = objectsOf(facts.servers.files.get(file) ?? '') ?? [];
    const isTaken = ({ kind, metadata: { name, namespace = 'default' } }: LiveObject): boolean =>
      facts.servers.objects.some((live) => live.kind === kind && keyOf(live) === `${namespace}/${name}` && specOf(live) !== file);
    return total + written.filter(isTaken).length;
  }, 0);
/** What files own that are gone. */
const leftovers = (facts: Facts): readonly LiveObject[] => {
  const held = new Set(filesIn(facts, 'held'));
  return facts.servers.objects.filter((live) => held.has(specOf(live) ?? ''));
};

function problems(facts: Facts): readonly Expected[] {
  const old = [...facts.servers.files.values()].filter((text) => /"(apps|extensions)\/v1beta\d"/.test(text)).length;
  return [
    ...some({ code: 'SPEC_SYNTAX', severity: 'error' }, filesIn(facts, 'broken').length),
    // Both sides are told.
    ...some({ code: 'SPEC_OBJECT_CONFLICT', severity: 'error' }, contested(facts)),
    ...some({ code: 'SPEC_OBJECT_CONFLICT', severity: 'warning' }, contested(facts)),
    ...some({ code: 'SPEC_OLD_API_VERSION', severity: 'note' }, old),
    // A namespace stays when its file goes.
    ...some({ code: 'PRUNE_DISABLED', severity: 'note' }, leftovers(facts).filter(({ kind }) => kind === 'Namespace').length),
  ];
}

function holds(facts: Facts): readonly Expected[] {
  const objects = leftovers(facts).filter(({ kind }) => kind !== 'Namespace');
  // A pool is one removal, and each object another.
  return some({ reason: 'BROKEN_SPEC_MAY_OWN' }, objects.length + objects.filter(({ kind }) => kind === 'Service').length);
}

/** Of some stages it is known what they cannot be shorter than; that all of them lie within the time of their commits holds for each. */
function stages({ commits }: Facts): readonly Expected[] {
  const most = mean(commits.map((commit) => commit.most)) * (1 + GUESS);
  const least = mean(commits.map((commit) => commit.least)) * (1 - GUESS);
  // Who waits for another spec is planned at once, and applied late.
  const waited = (commits.filter(({ least: seconds }) => seconds > 30).length * 30) / commits.length;
  return ['fetch', 'decode', 'plan', 'kubernetes', 'rollout', 'consul', 'traefik', 'total'].map((stage) => ({
    labels: { stage },
    from: stage === 'total' ? least : stage === 'kubernetes' ? waited * (1 - GUESS) : 0,
    to: most,
  }));
}

/** What the panels of *Overview* are held to. */
export const OVERVIEW: Readonly<Record<string, PanelRow>> = {
  'In step': {
    truth:
      'files of the newest commit whose objects, pods, registrations and servers are as written, in Git, Kubernetes, Consul and Traefik',
    changedBy: 'a commit',
    expected: (facts) => [plain(filesIn(facts, 'in-step').length)],
  },
  'On the way': {
    truth: 'files of the newest commit of which something is not there yet',
    changedBy: 'a commit that waits',
    expected: (facts) => [plain(filesIn(facts, 'way').length)],
  },
  'Need somebody': {
    truth: 'files that are no YAML, want what another file owns in Kubernetes, or are gone from Git and still own something there',
    changedBy: 'a commit of what is wrong',
    expected: (facts) => [plain(filesIn(facts, 'broken', 'conflict', 'held').length)],
  },
  'Longest difference from Git': {
    truth: 'time since the commit that is not in Kubernetes yet',
    changedBy: 'a commit that waits',
    expected: ({ waitsSinceMs, nowMs }) => [waitsSinceMs === undefined ? plain(0) : plain((nowMs - waitsSinceMs) / 1000, 0, APART_S)],
  },
  'Commits in time, 3 days': {
    truth: 'commits that Traefik served within 30 s, by the clock of who made them',
    changedBy: 'a commit that comes late',
    expected: ({ allCommits }) => [plain(allCommits.filter(({ most }) => most <= 30).length / allCommits.length, 1e-6)],
  },
  Revision: {
    truth: 'git rev-parse',
    changedBy: 'a commit',
    expected: ({ servers: { head } }) => [[one({ revision: head }, 1)]],
  },
  'Commit to traffic': {
    truth: 'times from commits until Traefik serves them, by the clock of who made them, within the buckets',
    changedBy: 'a commit that comes late',
    expected: ({ commits }) =>
      [0.5, 0.95].map((share) => {
        const of = (bound: 'least' | 'most'): number =>
          quantile(
            share,
            commits.map((commit) => commit[bound]),
            LATENCY_BUCKETS,
          );
        return between(of('least') * (1 - GUESS), of('most') * (1 + GUESS));
      }),
  },
  'Stages, mean': {
    truth: 'the same times: no stage is longer than its commit, and what waited for another spec waited to be applied',
    changedBy: 'a commit that comes late',
    expected: (facts) => [stages(facts)],
  },
  Pools: {
    truth: 'fit nodes of Kubernetes, instances and checks of Consul, servers of Traefik, annotations of the Services',
    changedBy: 'a commit',
    expected: (facts) => [...STATES.map((state) => backends(facts, state)), floors(facts)],
  },
  Backends: {
    truth: 'the same, summed up',
    changedBy: 'a node is cordoned',
    expected: (facts) => [STATES.map((state) => one({ state }, sum(backends(facts, state))))],
  },
  'Nodes that are out': {
    truth: 'nodes of Kubernetes that are cordoned, drained or not ready',
    changedBy: 'a node is cordoned',
    expected: ({ servers: { nodes } }) => [
      nodes.flatMap((node) => (nodeReason(node) === 'ready' ? [] : [one({ node: node.metadata.name, reason: nodeReason(node) }, 0)])),
    ],
  },
  Traefik: {
    truth: 'whether the API of Traefik answers, and has the servers that pass in Consul',
    changedBy: 'Traefik does not answer',
    expected: ({ servers: { servers } }) => [[one({ replica: 't1', state: servers === undefined ? 'unreachable' : 'in-step' }, 1)]],
  },
  Nodes: {
    truth: 'nodes of Kubernetes',
    changedBy: 'a node is cordoned',
    expected: ({ servers }) => [plain(fitNodes(servers)), plain(servers.nodes.length)],
  },
  Holds: {
    truth: 'objects and pools in Kubernetes whose file is gone from Git while another file cannot be read',
    changedBy: 'a commit of what is wrong',
    expected: (facts) => [holds(facts)],
  },
  Conflicts: {
    truth: 'objects of a file of Git that belong to another file in Kubernetes',
    changedBy: 'a commit of what is wrong',
    expected: (facts) => [some({ kind: 'object' }, contested(facts))],
  },
  Problems: {
    truth: 'what is wrong with the files of Git and the owners in Kubernetes, each by the code that the runbook has for it',
    changedBy: 'a commit of what is wrong',
    expected: (facts) => [problems(facts)],
  },
};
