/** A story that Prometheus is told, and what an alert makes of it. */
export interface AlertCase {
  readonly alert: string;
  readonly when: string;
  /** Series in promtool's notation, one value a minute. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes after the start. */
  readonly at: number;
  /** The alerts that fire: their labels beside job (unless that is undefined) and severity, and their summaries. */
  readonly fires: readonly { readonly labels: Readonly<Record<string, string | undefined>>; readonly summary: string }[];
  /** Minutes after the start at which what fired has resolved. */
  readonly over?: number;
}

const silent = [] as const;
const pool = { namespace: 'prod', service: 'web' };
const backends = (state: string, from = 'a'): string =>
  `poolkeeper_pool_backends{job="poolkeeper",instance="${from}",namespace="prod",service="web",state="${state}"}`;
const FLOOR = 'poolkeeper_pool_floor{job="poolkeeper",instance="a",namespace="prod",service="web"}';
const of = (metric: string, labels = '', instance = 'a'): string =>
  `poolkeeper_${metric}{job="poolkeeper",instance="${instance}"${labels === '' ? '' : `,${labels}`}}`;
const BUCKET = of('sync_latency_seconds_bucket', 'stage="total",start="webhook",le="30"');
const COUNT = of('sync_latency_seconds_count', 'stage="total",start="webhook"');
const legs = (value: string): Record<string, string> =>
  Object.fromEntries(['git', 'kubernetes', 'consul'].map((leg) => [of('last_success_timestamp_seconds', `leg="${leg}"`), value]));

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'PoolEmpty',
    when: 'the last backend stops passing',
    series: { [backends('passing')]: '3x10 0x10 3x10', [backends('serving')]: '3x40', [FLOOR]: '1x40' },
    at: 13,
    over: 25,
    fires: [{ labels: { ...pool, state: 'passing' }, summary: 'Pool prod/web has no backend that is passing' }],
  },
  {
    alert: 'PoolEmpty',
    when: 'Traefik serves none of the backends that pass',
    series: { [backends('passing')]: '3x20', [backends('serving')]: '3x10 0x10', [FLOOR]: '1x20' },
    at: 13,
    fires: [{ labels: { ...pool, state: 'serving' }, summary: 'Pool prod/web has no backend that is serving' }],
  },
  {
    alert: 'PoolEmpty',
    when: 'a new pool has had no backend for more than ten minutes',
    series: { [backends('passing')]: '0x20', [FLOOR]: '1x20' },
    at: 13,
    fires: [{ labels: { ...pool, state: 'passing' }, summary: 'Pool prod/web has no backend that is passing' }],
  },
  {
    alert: 'PoolEmpty',
    when: 'a new pool is still rolling out',
    series: { [backends('passing')]: '_x10 0x10', [FLOOR]: '_x10 1x10' },
    at: 17,
    fires: silent,
  },
  {
    alert: 'PoolEmpty',
    when: 'a pool leaves, and so has no floor',
    series: { [backends('passing')]: '3x10 0x10', [FLOOR]: '1x10 stale' },
    at: 15,
    fires: silent,
  },
  {
    alert: 'PoolEmpty',
    when: 'the daemon cannot tell, since Consul is away',
    series: { [backends('passing')]: '3x10 stale', [FLOOR]: '1x30' },
    at: 20,
    fires: silent,
  },
  {
    alert: 'PoolBelowFloor',
    when: 'fewer pass than the floor',
    series: { [backends('passing')]: '3x10 1x10 3x10', [FLOOR]: '2x40' },
    at: 14,
    over: 25,
    fires: [{ labels: { ...pool, state: 'passing' }, summary: 'Pool prod/web has only 1 backends that are passing' }],
  },
  {
    alert: 'PoolBelowFloor',
    when: 'a pool is at its floor',
    series: { [backends('passing')]: '3x10 2x10', [FLOOR]: '2x20' },
    at: 15,
    fires: silent,
  },
  {
    alert: 'PoolBelowFloor',
    when: 'it lasts a minute',
    series: { [backends('passing')]: '3x10 1x1 3x10', [FLOOR]: '2x22' },
    at: 13,
    fires: silent,
  },
  {
    alert: 'HoldActive',
    when: 'removals are held, told by leader and standby',
    series: { [of('holds', 'reason="REMOVAL_LIMIT"')]: '0x5 3x10 stale', [of('holds', 'reason="REMOVAL_LIMIT"', 'b')]: '0x5 3x10 stale' },
    at: 12,
    over: 20,
    fires: [{ labels: { reason: 'REMOVAL_LIMIT' }, summary: '3 removals are held back: REMOVAL_LIMIT' }],
  },
  {
    alert: 'HoldActive',
    when: 'a hold ends soon',
    series: { [of('holds', 'reason="REMOVAL_LIMIT"')]: '0x5 3x3 stale' },
    at: 11,
    fires: silent,
  },
  {
    alert: 'TraefikDisagrees',
    when: 'a replica is frozen',
    series: { [of('traefik_replica_state', 'replica="t1",state="frozen"')]: '0x5 1x10 0x10' },
    at: 9,
    over: 20,
    fires: [{ labels: { replica: 't1', state: 'frozen' }, summary: 'Traefik does not serve what Consul holds: replica t1 is frozen' }],
  },
  {
    alert: 'TraefikDisagrees',
    when: 'fewer serve than pass',
    series: { [backends('passing')]: '3x30', [backends('serving')]: '3x5 2x10 3x10' },
    at: 9,
    over: 20,
    fires: [
      {
        labels: pool,
        summary: 'Traefik does not serve what Consul holds: pool prod/web has 2 servers, fewer than pass in Consul',
      },
    ],
  },
  {
    alert: 'TraefikDisagrees',
    when: 'a replica follows, and another does not answer',
    series: {
      [of('traefik_replica_state', 'replica="t1",state="changing"')]: '1x15',
      [of('traefik_replica_state', 'replica="t2",state="unreachable"')]: '1x15',
      [backends('passing')]: '3x15',
    },
    at: 12,
    fires: silent,
  },
  {
    alert: 'NoSuccessfulSync',
    when: 'Git has not been read for a quarter of an hour',
    series: {
      ...legs('0+60x60'),
      [of('last_success_timestamp_seconds', 'leg="git"')]: '0+60x10 600x30 2520+60x10',
      [of('leader')]: '1x60',
    },
    at: 27,
    over: 45,
    fires: [{ labels: { leg: 'git' }, summary: 'The git leg has had no success for more than 15 minutes' }],
  },
  {
    alert: 'NoSuccessfulSync',
    when: 'Consul has never been read',
    series: { ...legs('0+60x40'), [of('last_success_timestamp_seconds', 'leg="consul"')]: '_x40', [of('leader')]: '0x40' },
    at: 7,
    fires: [{ labels: { leg: 'consul' }, summary: 'The consul leg has had no success for more than 15 minutes' }],
  },
  { alert: 'NoSuccessfulSync', when: 'all legs go on', series: { ...legs('0+60x40'), [of('leader')]: '1x40' }, at: 35, fires: silent },
  {
    alert: 'NoSuccessfulSync',
    when: 'a standby has just read what the leader has not',
    series: {
      ...legs('0+60x40'),
      [of('last_success_timestamp_seconds', 'leg="git"')]: '0+60x10 600x30',
      [of('last_success_timestamp_seconds', 'leg="git"', 'b')]: '0+60x40',
      [of('leader')]: '1x40',
      [of('leader', '', 'b')]: '0x40',
    },
    at: 35,
    fires: [{ labels: { leg: 'git' }, summary: 'The git leg has had no success for more than 15 minutes' }],
  },
  {
    alert: 'NoSuccessfulSync',
    when: 'the leader has just read what a standby has not',
    series: {
      ...legs('0+60x40'),
      [of('last_success_timestamp_seconds', 'leg="git"', 'b')]: '0+60x10 600x30',
      [of('leader')]: '1x40',
      [of('leader', '', 'b')]: '0x40',
    },
    at: 35,
    fires: silent,
  },
  {
    alert: 'GitAheadOfCluster',
    when: 'a spec has differed for eleven minutes',
    series: { [of('git_ahead_seconds')]: '0x5 0+60x20 0x10' },
    at: 18,
    over: 30,
    fires: [{ labels: {}, summary: 'A spec has differed from Git for 12m 0s' }],
  },
  {
    alert: 'GitAheadOfCluster',
    when: 'each spec settles soon',
    series: { [of('git_ahead_seconds')]: '0+60x5 0+60x5 0+60x5' },
    at: 17,
    fires: silent,
  },
  {
    alert: 'RouteConflict',
    when: 'a pool is set aside',
    series: { [of('conflicts', 'kind="route"')]: '_x5 1x10 stale', [of('conflicts', 'kind="object"')]: '1x30' },
    at: 8,
    over: 20,
    fires: [{ labels: { kind: 'route' }, summary: '1 pools have routes that collide in Traefik' }],
  },
  {
    alert: 'RouteConflict',
    when: 'a conflict stands in Consul',
    series: { [of('problems', 'code="ROUTE_CONFLICT_STANDS",severity="warning"')]: '2x10' },
    at: 5,
    fires: [{ labels: { code: 'ROUTE_CONFLICT_STANDS' }, summary: '2 pools have routes that collide in Traefik' }],
  },
  { alert: 'RouteConflict', when: 'other things collide', series: { [of('conflicts', 'kind="object"')]: '1x15' }, at: 8, fires: silent },
  {
    alert: 'OwnerConflict',
    when: 'a stranger holds the name',
    series: { [of('conflicts', 'kind="foreign-service"')]: '_x5 1x10 stale' },
    at: 12,
    over: 20,
    fires: [{ labels: { kind: 'foreign-service' }, summary: '1 things are claimed by two writers (foreign-service)' }],
  },
  { alert: 'OwnerConflict', when: 'only routes collide', series: { [of('conflicts', 'kind="route"')]: '1x15' }, at: 12, fires: silent },
  {
    alert: 'SpecBroken',
    when: 'a file cannot be read',
    series: { [of('specs', 'state="broken"')]: '0x5 2x10 0x10', [of('specs', 'state="in-step"')]: '9x30' },
    at: 12,
    over: 20,
    fires: [{ labels: { state: 'broken' }, summary: '2 spec files cannot be read' }],
  },
  { alert: 'SpecBroken', when: 'it is mended at once', series: { [of('specs', 'state="broken"')]: '0x5 2x2 0x10' }, at: 12, fires: silent },
  {
    alert: 'WritesAtRest',
    when: 'there is always something to write and nothing new to write',
    series: { [of('writes_total', 'leg="consul",result="done"')]: '0+1x60 60x60', [of('source_revision_info', 'revision="r1"')]: '1x120' },
    at: 40,
    over: 70,
    fires: [{ labels: { leg: 'consul' }, summary: 'poolkeeper has written to consul for half an hour although no commit came' }],
  },
  {
    alert: 'WritesAtRest',
    when: 'commits come now and then',
    series: {
      [of('writes_total', 'leg="consul",result="done"')]: '0+1x90',
      [of('source_revision_info', 'revision="r1"')]: '1x30 stale',
      [of('source_revision_info', 'revision="r2"')]: '_x30 1x60',
    },
    at: 60,
    fires: silent,
  },
  {
    alert: 'WritesAtRest',
    when: 'a node came back once',
    series: { [of('writes_total', 'leg="consul",result="done"')]: '0x20 5x70', [of('source_revision_info', 'revision="r1"')]: '1x90' },
    at: 55,
    fires: silent,
  },
  {
    alert: 'LeaderMissing',
    when: 'no replica leads',
    series: { [of('leader')]: '1x5 0x30', [of('leader', '', 'b')]: '0x15 1x15' },
    at: 9,
    over: 20,
    fires: [{ labels: {}, summary: 'No replica of poolkeeper leads' }],
  },
  {
    alert: 'LeaderMissing',
    when: 'no replica runs',
    series: {},
    at: 5,
    fires: [{ labels: { job: undefined }, summary: 'No replica of poolkeeper leads' }],
  },
  {
    alert: 'LeaderMissing',
    when: 'another replica takes over',
    series: { [of('leader')]: '1x5 stale', [of('leader', '', 'b')]: '0x5 0 1x10' },
    at: 9,
    fires: silent,
  },
  {
    alert: 'SnapshotStale',
    when: 'one replica has lost a watch',
    series: { [of('snapshot_complete', 'source="nodes"')]: '1x5 0x10 1x10', [of('snapshot_complete', 'source="nodes"', 'b')]: '1x30' },
    at: 12,
    over: 20,
    fires: [{ labels: { instance: 'a', source: 'nodes' }, summary: 'a does not know all of nodes' }],
  },
  {
    alert: 'SnapshotStale',
    when: 'a watch begins anew',
    series: { [of('snapshot_complete', 'source="nodes"')]: '1x5 0x2 1x10' },
    at: 12,
    fires: silent,
  },
  {
    alert: 'CertificateOrTokenFailing',
    when: 'Git refuses the password',
    series: { [of('problems', 'code="GIT_AUTH_FAILED",severity="error"')]: '_x5 1x10 stale' },
    at: 9,
    over: 20,
    fires: [{ labels: { code: 'GIT_AUTH_FAILED' }, summary: 'Credentials or a certificate are refused: GIT_AUTH_FAILED' }],
  },
  {
    alert: 'CertificateOrTokenFailing',
    when: 'the certificate of Consul has expired',
    series: { [of('client_requests_total', 'leg="consul",method="GET",code="tls"')]: '0x5 0+4x20 80x20' },
    at: 15,
    over: 35,
    fires: [{ labels: { code: 'tls', leg: 'consul' }, summary: 'Credentials or a certificate are refused: tls from consul' }],
  },
  {
    alert: 'CertificateOrTokenFailing',
    when: 'other things fail',
    series: {
      [of('client_requests_total', 'leg="kubernetes",method="PATCH",code="403"')]: '0+4x20',
      [of('problems', 'code="GIT_UNREACHABLE",severity="error"')]: '1x20',
    },
    at: 15,
    fires: silent,
  },
  {
    alert: 'CommitsTooSlow',
    when: 'many commits of the last hour were late',
    series: { [COUNT]: '0+1x300', [BUCKET]: '0x100 1+1x199' },
    at: 90,
    over: 145,
    fires: [{ labels: {}, summary: '100% of the last commits took longer than 30 s to be in traffic' }],
  },
  { alert: 'CommitsTooSlow', when: 'one commit was late', series: { [COUNT]: '0x30 1x90', [BUCKET]: '0x120' }, at: 33, fires: silent },
  { alert: 'CommitsTooSlow', when: 'all are in time', series: { [COUNT]: '0+1x120', [BUCKET]: '0+1x120' }, at: 90, fires: silent },
];
