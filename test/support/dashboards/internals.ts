import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graph, type Query, table } from './panels.ts';

const J = 'job="$job"';
const W = '$__rate_interval';
const one = (expr: string, legend: string): readonly Query[] => [{ expr, legend }];

/** How the daemon itself is: runs, requests, sources, process. */
export const internalsDashboard = (): Dashboard =>
  dashboard(
    { uid: 'poolkeeper-internals', title: 'poolkeeper / Internals', description: 'Runs, requests, sources, leadership and the process.' },
    [
      {
        title: 'Runs',
        panels: [
          graph({
            title: 'Runs',
            description: 'Runs a second, and errors that nobody foresaw.',
            width: 8,
            queries: [
              { expr: `sum by (instance) (rate(poolkeeper_run_duration_seconds_count{${J}}[${W}]))`, legend: 'runs {{instance}}' },
              { expr: `sum by (instance) (rate(poolkeeper_run_errors_total{${J}}[${W}]))`, legend: 'errors {{instance}}' },
            ],
          }),
          graph({
            title: 'Duration of runs, 95 %',
            description: 'A run plans every spec and waits for the answers to what it writes.',
            width: 8,
            unit: 's',
            queries: one(
              `histogram_quantile(0.95, sum by (instance, le) (rate(poolkeeper_run_duration_seconds_bucket{${J}}[${W}])))`,
              '{{instance}}',
            ),
          }),
          graph({
            title: 'Queue',
            description: 'Wake-ups that wait for the run under way.',
            width: 8,
            queries: one(`poolkeeper_queue_length{${J}}`, '{{instance}}'),
          }),
          graph({
            title: 'Planned actions',
            description: 'Actions of the last run.',
            width: 12,
            queries: one(`max by (leg, op) (poolkeeper_plan_actions{${J}})`, '{{leg}} {{op}}'),
          }),
          graph({
            title: 'Writes',
            description: 'Writes a second by store and result. At rest there are none.',
            width: 12,
            queries: one(`sum by (leg, result) (rate(poolkeeper_writes_total{${J}}[${W}]))`, '{{leg}} {{result}}'),
          }),
        ],
      },
      {
        title: 'Sources',
        panels: [
          table({
            title: 'Sources',
            description: 'Age of what each replica knows of each source, and whether that is all of it.',
            width: 12,
            queries: [
              { expr: `max by (instance, source) (poolkeeper_snapshot_complete{${J}})`, legend: 'complete' },
              { expr: `max by (instance, source) (poolkeeper_snapshot_age_seconds{${J}})`, legend: 'age in s' },
            ],
          }),
          graph({
            title: 'Since the last success',
            description: 'By leg.',
            width: 12,
            unit: 's',
            queries: one(`time() - max by (leg) (poolkeeper_last_success_timestamp_seconds{${J}})`, '{{leg}}'),
          }),
          graph({
            title: 'Requests',
            description: 'HTTP requests a second by server and answer.',
            width: 12,
            queries: one(`sum by (leg, method, code) (rate(poolkeeper_client_requests_total{${J}}[${W}]))`, '{{leg}} {{method}} {{code}}'),
          }),
          graph({
            title: 'Resync requests',
            description: 'By what became of them, a second.',
            width: 6,
            queries: one(`sum by (result) (rate(poolkeeper_resync_requests_total{${J}}[${W}]))`, '{{result}}'),
          }),
          graph({
            title: 'Leader',
            description: '1 for the replica that leads.',
            width: 6,
            queries: one(`poolkeeper_leader{${J}}`, '{{instance}}'),
          }),
        ],
      },
      {
        title: 'Process',
        panels: [
          graph({
            title: 'Memory',
            description: 'Resident memory.',
            width: 8,
            unit: 'bytes',
            queries: one(`process_resident_memory_bytes{${J}}`, '{{instance}}'),
          }),
          graph({
            title: 'CPU',
            description: 'Cores in use.',
            width: 8,
            queries: one(`rate(process_cpu_seconds_total{${J}}[${W}])`, '{{instance}}'),
          }),
          graph({
            title: 'Event loop lag, 99 %',
            description: 'How late timers fire: above some 100 ms leases are at risk.',
            width: 8,
            unit: 's',
            queries: one(`nodejs_eventloop_lag_p99_seconds{${J}}`, '{{instance}}'),
          }),
        ],
      },
    ],
  );
