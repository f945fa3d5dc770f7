import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graph, type Query, stat, table } from './panels.ts';

const J = 'job="$job"';
const specs = (states: string): string => `sum(max by (state) (poolkeeper_specs{${J}, state=~"${states}"}))`;
const backends = (state: string): Query => ({
  expr: `max by (namespace, service) (poolkeeper_pool_backends{${J}, state="${state}"})`,
  legend: state,
});
const LATENCY = `poolkeeper_sync_latency_seconds`;

/** Is my commit in traffic, who serves, who does not and why, and what is held back. */
export const overviewDashboard = (): Dashboard =>
  dashboard(
    {
      uid: 'poolkeeper-overview',
      title: 'poolkeeper / Overview',
      description: 'From commit to traffic: pools, who is out and why, holds.',
    },
    [
      {
        title: 'From commit to traffic',
        panels: [
          stat({
            title: 'In step',
            description: 'Specs that run and serve as Git says.',
            width: 4,
            queries: [{ expr: specs('in-step'), legend: 'in step' }],
          }),
          stat({
            title: 'On the way',
            description: 'Specs that wait, change or leave.',
            width: 4,
            queries: [{ expr: specs('waiting|changing|leaving'), legend: 'on the way' }],
          }),
          stat({
            title: 'Need somebody',
            description: 'Specs that are broken, in conflict, held or failed.',
            width: 4,
            queries: [{ expr: specs('broken|conflict|held|failed'), legend: 'need somebody' }],
          }),
          stat({
            title: 'Longest difference from Git',
            description: 'For how long the spec that has waited longest has differed from Git.',
            width: 4,
            unit: 's',
            queries: [{ expr: `max(poolkeeper_git_ahead_seconds{${J}})`, legend: 'longest' }],
          }),
          stat({
            title: 'Commits in time, 3 days',
            description: 'The share of commits that were in traffic within 30 s. The objective is 99 %.',
            width: 4,
            unit: 'percentunit',
            queries: [
              {
                expr: `sum(increase(${LATENCY}_bucket{${J}, stage="total", le=~"30(\\\\.0)?"}[3d])) / sum(increase(${LATENCY}_count{${J}, stage="total"}[3d]))`,
                legend: 'in time',
              },
            ],
          }),
          stat(
            {
              title: 'Revision',
              description: 'The commit in force.',
              width: 4,
              queries: [{ expr: `max by (revision) (poolkeeper_source_revision_info{${J}})`, legend: '{{revision}}' }],
            },
            'name',
          ),
          graph({
            title: 'Commit to traffic',
            description: 'How long commits took, half of them and 95 % of them.',
            width: 12,
            unit: 's',
            queries: [0.5, 0.95].map((share) => ({
              expr: `histogram_quantile(${share}, sum by (le) (rate(${LATENCY}_bucket{${J}, stage="total"}[$__rate_interval])))`,
              legend: `${share * 100} %`,
            })),
          }),
          graph({
            title: 'Stages, mean',
            description: 'How long each stage took. Roll-out and Consul overlap.',
            width: 12,
            unit: 's',
            queries: [
              {
                expr: `sum by (stage) (rate(${LATENCY}_sum{${J}}[$__rate_interval])) / sum by (stage) (rate(${LATENCY}_count{${J}}[$__rate_interval]))`,
                legend: '{{stage}}',
              },
            ],
          }),
        ],
      },
      {
        title: 'Pools',
        panels: [
          table({
            title: 'Pools',
            description: 'Backends of each pool: how many there should be, stand in Consul, pass there, and are served by Traefik.',
            width: 12,
            queries: [
              ...['desired', 'registered', 'passing', 'serving'].map(backends),
              { expr: `max by (namespace, service) (poolkeeper_pool_floor{${J}})`, legend: 'floor' },
            ],
          }),
          graph({
            title: 'Backends',
            description: 'Of all pools together.',
            width: 12,
            queries: [
              { expr: `sum by (state) (max by (namespace, service, state) (poolkeeper_pool_backends{${J}}))`, legend: '{{state}}' },
            ],
          }),
        ],
      },
      {
        title: 'Who is out, and why',
        panels: [
          table({
            title: 'Nodes that are out',
            description: 'Nodes that are no backends of any pool.',
            width: 8,
            queries: [{ expr: `max by (node, reason) (poolkeeper_node_eligible{${J}}) == 0`, legend: 'in' }],
          }),
          table({
            title: 'Traefik',
            description: 'The state of each replica.',
            width: 8,
            queries: [{ expr: `max by (replica, state) (poolkeeper_traefik_replica_state{${J}}) == 1`, legend: 'now' }],
          }),
          graph({
            title: 'Nodes',
            description: 'Nodes that may be backends, and all there are.',
            width: 8,
            queries: [
              { expr: `sum(max by (node) (poolkeeper_node_eligible{${J}}))`, legend: 'in' },
              { expr: `count(max by (node) (poolkeeper_node_eligible{${J}}))`, legend: 'all' },
            ],
          }),
        ],
      },
      {
        title: 'Held back, in conflict, wrong',
        panels: [
          table({
            title: 'Holds',
            description: 'Removals that a guard keeps back.',
            width: 8,
            queries: [{ expr: `max by (reason) (poolkeeper_holds{${J}})`, legend: 'removals' }],
          }),
          table({
            title: 'Conflicts',
            description: 'Things that two writers claim.',
            width: 8,
            queries: [{ expr: `max by (kind) (poolkeeper_conflicts{${J}})`, legend: 'things' }],
          }),
          table({
            title: 'Problems',
            description: 'By the code that docs/runbook.md explains.',
            width: 8,
            queries: [{ expr: `max by (code, severity) (poolkeeper_problems{${J}})`, legend: 'problems' }],
          }),
        ],
      },
    ],
  );
