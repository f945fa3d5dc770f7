/** What is known of a metric before there is a value: name, kind and labels are part of the daemon's public interface. */
export interface MetricRow {
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly labels: readonly string[];
  /** One sentence, for the scrape and the reference. */
  readonly help: string;
  /** When the series is absent, or what its labels may be; for the reference. */
  readonly note?: string;
}

export const METRIC_PREFIX = 'poolkeeper_';

/** The upper bounds of the latency buckets in seconds; above ten minutes somebody has to look anyway. */
export const LATENCY_BUCKETS: readonly number[] = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600];

/** Every metric of ours, without the prefix. Those of the process and of Node.js come from prom-client. */
export const METRICS = {
  pool_backends: {
    type: 'gauge',
    labels: ['namespace', 'service', 'state'],
    help: 'Backends of a pool that should be, that stand in the catalog, whose checks pass, and that Traefik serves.',
    note: 'state: desired, registered, passing, serving. service: name of the Kubernetes Service. From the leader only; registered and passing are absent while Consul is unavailable. serving is the least over the Traefik replicas of `traefik.api` that answer; absent when there are none, or they do not route the pool.',
  },
  sync_latency_seconds: {
    type: 'histogram',
    labels: ['stage', 'start'],
    help: 'How long the stages between a commit and traffic took.',
    note: 'stage: fetch, decode, plan, kubernetes, rollout, consul, traefik, total; rollout: from applied to healthy; traefik: until every replica of `traefik.api` that answers serves it, absent where none is watched; total ends with the last of them. start: webhook, or poll when the clock began at the last look that still saw the old head (an upper bound). From the leader only.',
  },
  last_success_timestamp_seconds: {
    type: 'gauge',
    labels: ['leg'],
    help: 'When the leg was last read in full with none of its actions failing.',
    note: 'leg: git, kubernetes, consul, and traefik where it is watched. Absent until it has happened.',
  },
  source_revision_info: {
    type: 'gauge',
    labels: ['revision'],
    help: 'Always 1; the label is the commit in force.',
    note: 'Absent until Git has been read.',
  },
  specs: {
    type: 'gauge',
    labels: ['state'],
    help: 'Specs in each state.',
    note: 'state: broken, suspended, conflict, held, failed, leaving, waiting, changing, unknown, in-step. Absent while Git is unavailable.',
  },
  plan_actions: {
    type: 'gauge',
    labels: ['leg', 'op'],
    help: 'Actions of the last run, whatever became of them.',
    note: 'leg: kubernetes, consul. op: the kind of action, such as apply-object.',
  },
  writes_total: {
    type: 'counter',
    labels: ['leg', 'result'],
    help: 'Writes sent to a store.',
    note: 'leg: kubernetes, consul. result: done, failed.',
  },
  holds: {
    type: 'gauge',
    labels: ['reason'],
    help: 'Actions that a guard keeps back.',
    note: 'reason: a problem code. Absent when there are none.',
  },
  conflicts: {
    type: 'gauge',
    labels: ['kind'],
    help: 'Things that two writers claim.',
    note: 'kind: object (two specs, one object), consul-service (two specs, one name), foreign-object, foreign-service, foreign-node, foreign-key.',
  },
  node_eligible: {
    type: 'gauge',
    labels: ['node', 'reason'],
    help: 'Whether a Kubernetes node may be a backend.',
    note: 'reason: a short word, such as ready, cordoned or no-address. Absent while the nodes are unavailable.',
  },
  replica_pools: {
    type: 'gauge',
    labels: ['replica', 'state'],
    help: 'Pools by how far a Traefik replica has followed Consul.',
    note: 'replica: a name of `traefik.api`. state: in-step, changing (also while it is still to be asked), behind (for longer than `traefik.letGo`: it does not follow, or says something else than the others). Absent while the replica does not answer, and for pools that Traefik does not route. From the leader only.',
  },
  leader: { type: 'gauge', labels: [], help: 'Whether this replica holds the Consul lease and so writes registrations.' },
  snapshot_age_seconds: {
    type: 'gauge',
    labels: ['source'],
    help: 'Age of what is known of a source.',
    note: 'source: git, nodes, services, endpoints, pods, consul, objects:<kind>, traefik:<replica>. Absent while the source is unavailable.',
  },
  snapshot_complete: {
    type: 'gauge',
    labels: ['source'],
    help: 'Whether a source tells everything: 0 while what is known of it is stale, or nothing is.',
    note: 'source: as for the age. The reason stands in the status and in /readyz?verbose.',
  },
  resync_requests_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Requests to compare everything anew.',
    note: 'result: queued, coalesced, unknown-spec, unauthorized, limited, invalid.',
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof METRICS;
