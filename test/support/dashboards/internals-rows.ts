import { RUN_BUCKETS } from '../../../src/telemetry/metric-table.ts';
import { APART_S, between, GUESS, one, type PanelRow, plain, quantile, some } from './panel-row.ts';
import { fitNodes, keyOf, nodeReason, poolsOf } from './server-facts.ts';

const PROCESS = 'the process that is scraped: nothing outside can tell';

/** What the panels of *Internals* are held to. */
export const INTERNALS: Readonly<Record<string, PanelRow>> = {
  Runs: {
    truth: `${PROCESS} of its runs; the reports that its loop hands over`,
    changedBy: 'a commit',
    expected: ({ reports, window }) => [plain(reports.length / window, GUESS), plain(0)],
  },
  'Duration of runs, 95 %': {
    truth: `${PROCESS} of its runs; the reports that its loop hands over`,
    changedBy: 'a commit',
    expected: ({ reports }) => [
      plain(
        quantile(
          0.95,
          reports.map(({ durationMs }) => durationMs / 1000),
          RUN_BUCKETS,
        ),
        GUESS,
        0.005,
      ),
    ],
  },
  Queue: {
    truth: 'whether Kubernetes holds up a run while the test makes others due: of a node, of a resync, of Consul',
    changedBy: 'a run hangs while others wait',
    expected: ({ runsWait }) => [runsWait ? between(1, 4) : plain(0)],
  },
  'Planned actions': {
    truth: 'pools whose instances in Consul are not one for each fit node, and fit nodes that have no node there, or one whose check fails',
    changedBy: 'Consul refuses writes while a node comes back',
    expected: ({ servers }) => {
      const behind = poolsOf(servers).filter(
        (pool) => servers.instances.filter((each) => each.pool === keyOf(pool)).length !== fitNodes(servers),
      );
      const unknown = servers.nodes.filter((node) => nodeReason(node) === 'ready' && !servers.standIns.includes(node.metadata.name));
      return [
        [...some({ leg: 'consul', op: 'register-pool' }, behind.length), ...some({ leg: 'consul', op: 'ensure-node' }, unknown.length)],
      ];
    },
  },
  Writes: {
    truth:
      'applies that reached Kubernetes, and those that it let hang; of Consul, which takes many in one request, the reports that the loop hands over',
    changedBy: 'a commit',
    expected: ({ applies, hangs, reports, window }) => {
      const consul = (result: string): number =>
        reports
          .flatMap(({ writes }) => writes)
          .reduce((total, each) => total + (each.leg === 'consul' && each.result === result ? each.count : 0), 0);
      return [
        [
          one({ leg: 'kubernetes', result: 'done' }, applies / window, GUESS),
          one({ leg: 'kubernetes', result: 'failed' }, hangs / window, GUESS),
          one({ leg: 'consul', result: 'done' }, consul('done') / window, GUESS),
          one({ leg: 'consul', result: 'failed' }, consul('failed') / window, GUESS),
        ],
      ];
    },
  },
  Sources: {
    truth: 'whether Git, Kubernetes, Consul and Traefik answer, and when Traefik last did',
    changedBy: 'Traefik does not answer',
    expected: ({ servers, nowMs, traefikAnsweredAtMs }) => {
      const watched = ['nodes', 'services', 'endpoints', 'pods', 'git', 'consul'];
      const kinds = ['apps/Deployment', '/Namespace', '/ConfigMap', '/Service'].map((kind) => `objects:${kind}`);
      const live = [...watched, ...kinds].map((source) => one({ source }, 1));
      const young = [...watched, ...kinds].map((source) => ({ labels: { source }, from: 0, to: source === 'consul' ? 60 : APART_S }));
      const traefik = { source: 'traefik:t1' };
      return [
        [...live, one(traefik, servers.servers === undefined ? 0 : 1)],
        [...young, one(traefik, (nowMs - traefikAnsweredAtMs) / 1000, 0, APART_S)],
      ];
    },
  },
  'Since the last success': {
    truth: 'whether Git, Kubernetes and Consul answer, and when Traefik last did',
    changedBy: 'Traefik does not answer',
    expected: ({ nowMs, traefikAnsweredAtMs }) => [
      ['git', 'kubernetes', 'consul', 'traefik'].map((each) =>
        each === 'traefik'
          ? one({ leg: each }, (nowMs - traefikAnsweredAtMs) / 1000, 0, APART_S)
          : { labels: { leg: each }, from: 0, to: APART_S },
      ),
    ],
  },
  Requests: {
    truth: 'requests that Kubernetes and Consul have seen',
    changedBy: 'a commit',
    expected: ({ patches, puts, window }) => [
      {
        among: [
          one({ leg: 'kubernetes', method: 'PATCH' }, patches / window, GUESS),
          one({ leg: 'consul', method: 'PUT' }, puts / window, GUESS),
        ],
      },
    ],
  },
  'Resync requests': {
    truth: 'requests that the test has sent',
    changedBy: 'a resync is asked for',
    expected: ({ resyncs, window }) => [
      ['queued', 'coalesced', 'unknown-spec', 'unauthorized', 'limited', 'invalid'].map((result) =>
        one({ result }, result === 'queued' ? resyncs / window : 0, GUESS),
      ),
    ],
  },
  Leader: {
    truth: 'whether a session holds the key of the leader in Consul',
    changedBy: 'Consul ends the session of the leader',
    expected: ({ servers: { leads } }) => [plain(leads ? 1 : 0)],
  },
  Memory: {
    truth: '/proc/self/status',
    changedBy: 'memory is taken',
    expected: ({ process }) => [plain(process.bytes, 0.15)],
  },
  CPU: {
    truth: '/proc/self/stat',
    changedBy: 'the event loop is blocked',
    expected: ({ process }) => [plain(process.cores, 0.5)],
  },
  'Event loop lag, 99 %': {
    truth: 'how long the test holds up the event loop of the process that is scraped',
    changedBy: 'the event loop is blocked',
    expected: ({ process: { lag } }) => [lag === 0 ? between(0, 0.4) : between(lag * 0.8, lag + 2)],
  },
};
