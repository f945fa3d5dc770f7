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

/** The upper bounds of the buckets for the duration of a run in seconds. */
export const RUN_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Every metric of ours, without the prefix. Those of the process and of Node.js come from prom-client. */
export const METRICS = {
  pool_backends: {
    type: 'gauge',
    labels: ['namespace', 'service', 'state'],
    help: 'Backends of a pool that should be, that stand in the catalog, whose checks pass, and that Traefik serves.',
    note: 'state: desired, registered, passing, serving. service: name of the Kubernetes Service. From the leader only; registered and passing are absent while Consul is unavailable. serving is the least over the Traefik replicas of `traefik.api` that answer; absent when there are none, or they do not route the pool.',
  },
  pool_floor: {
    type: 'gauge',
    labels: ['namespace', 'service'],
    help: 'The least backends that a pool is to have.',
    note: '`pool.minBackends`, or what the Service says. Absent for pools that leave or that agents register. From the leader only.',
  },
  sync_latency_seconds: {
    type: 'histogram',
    labels: ['stage', 'start'],
    help: 'How long the stages between a commit and traffic took.',
    note: 'stage: fetch, decode, plan, kubernetes, rollout, consul, traefik, total; rollout: from applied to healthy; traefik: until every replica of `traefik.api` that answers serves it, absent where none is watched; total ends with the last of them, and of what a commit removes when it is out of Consul and Traefik. A commit that is held, or of which a spec is broken, refused or in conflict, is not counted, also once that is over. start: webhook, or poll when the clock began at the last look that still saw the old head (an upper bound). From the leader only.',
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
  git_ahead_seconds: {
    type: 'gauge',
    labels: [],
    help: 'For how long the spec that has waited longest has differed from Git; 0 when none does.',
    note: 'Counts the states failed, leaving, waiting and changing since the daemon saw them first; the others have alerts of their own. From the leader only.',
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
  problems: {
    type: 'gauge',
    labels: ['code', 'severity'],
    help: 'Problems that stand, of specs, of sources and of the daemon.',
    note: 'code: one of docs/runbook.md. severity: error, warning, note. Absent when there are none.',
  },
  conflicts: {
    type: 'gauge',
    labels: ['kind'],
    help: 'Things that two writers claim.',
    note: 'kind: object (two specs, one object), consul-service (two specs, one name), foreign-object, foreign-service, foreign-instance, foreign-node, foreign-key, agents (they register the pool as well), cluster (another writer under the same `cluster`), route (a pool that is set aside since Traefik would drop or mix its routes).',
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
  traefik_replica_state: {
    type: 'gauge',
    labels: ['replica', 'state'],
    help: 'The state of a Traefik replica over all pools: 1 for the one it is in, else 0.',
    note: 'replica: a name of `traefik.api`. state: in-step, changing, behind (it has not followed Consul for too long), frozen (nor has anything that it serves changed since), differs (it makes something else of Consul than the other replicas), unreachable. From the leader only.',
  },
  probe_success: {
    type: 'gauge',
    labels: ['namespace', 'service'],
    help: 'Whether every route of a pool that is tried answered as it should when last tried.',
    note: 'service: name of the Kubernetes Service. Absent without `traefik.probe.url`, and for pools of which no route can be tried. From the leader only.',
  },
  probe_duration_seconds: {
    type: 'gauge',
    labels: ['namespace', 'service'],
    help: 'How long the routes of a pool took to answer when last tried; of several, the longest.',
    note: 'Absent where probe_success is.',
  },
  leader: { type: 'gauge', labels: [], help: 'Whether this replica holds the Consul lease and so writes registrations.' },
  run_duration_seconds: {
    type: 'histogram',
    labels: [],
    help: 'How long runs took, from the first look to the report.',
  },
  run_errors_total: {
    type: 'counter',
    labels: [],
    help: 'Errors that the loop caught and nobody foresaw.',
  },
  queue_length: {
    type: 'gauge',
    labels: [],
    help: 'Wake-ups that wait for the run under way to end.',
    note: 'Wake-ups of one kind, such as a change in Consul, are one.',
  },
  client_requests_total: {
    type: 'counter',
    labels: ['leg', 'method', 'code'],
    help: 'HTTP requests sent to a server.',
    note: 'leg: kubernetes, consul, traefik (its API). code: the HTTP status, or tls, timeout, error where there was no answer. A watch or a long poll is one request. Git is asked by its own program and not counted.',
  },
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
    note: 'source: as for the age. 0 for git also while a head is not taken (`git.verify`, `git.fastForwardOnly`). The reason stands in the status and in /readyz?verbose.',
  },
  trace_spans_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Spans of traces by what became of them.',
    note: 'result: sent, failed (the endpoint refused them or did not answer), dropped (too many waited). Absent while nothing is traced.',
  },
  notifications_total: {
    type: 'counter',
    labels: ['channel', 'result'],
    help: 'Requests to those whom the daemon tells of commits and events.',
    note: 'channel: commit-status, slack, webhook; those that are configured. result: sent, failed (it is tried again), lost (it is not).',
  },
  resync_requests_total: {
    type: 'counter',
    labels: ['result'],
    help: 'Requests to compare everything anew.',
    note: 'result: queued, coalesced, unknown-spec, unauthorized, limited, invalid.',
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof METRICS;
