import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, graph, labelVariable, stat } from './panels.ts';

const POOL = 'job="$job", namespace="$namespace", service="$service"';
const backends = (state: string): string => `max(poolkeeper_pool_backends{${POOL}, state="${state}"})`;

/** One pool through time, by leg. */
export const serviceDashboard = (): Dashboard =>
  dashboard(
    {
      uid: 'poolkeeper-service',
      title: 'poolkeeper / Service',
      description: 'One pool through time, from Kubernetes over Consul to Traefik.',
    },
    [
      {
        title: 'Now',
        panels: [
          ...(
            [
              ['Desired', 'desired', 'Backends that there should be.'],
              ['Registered', 'registered', 'Backends that stand in Consul.'],
              ['Passing', 'passing', 'Backends whose checks pass in Consul.'],
              ['Serving', 'serving', 'Backends that Traefik serves, the least over its replicas.'],
            ] as const
          ).map(([title, state, description]) =>
            stat({ title, description, width: 5, queries: [{ expr: backends(state), legend: state }] }),
          ),
          stat({
            title: 'Floor',
            description: 'The least backends that the pool is to have.',
            width: 4,
            queries: [{ expr: `max(poolkeeper_pool_floor{${POOL}})`, legend: 'floor' }],
          }),
        ],
      },
      {
        title: 'Through time',
        panels: [
          graph({
            title: 'Backends by leg',
            description:
              'Where the lines part, a leg is behind: desired is Kubernetes, registered and passing are Consul, serving is Traefik.',
            width: 24,
            queries: [
              { expr: `max by (state) (poolkeeper_pool_backends{${POOL}})`, legend: '{{state}}' },
              { expr: `max(poolkeeper_pool_floor{${POOL}})`, legend: 'floor' },
            ],
          }),
          graph({
            title: 'Missing',
            description: 'Backends that should be and do not pass.',
            width: 12,
            queries: [{ expr: `${backends('desired')} - ${backends('passing')}`, legend: 'missing' }],
          }),
          graph({
            title: 'Routes, tried',
            description: 'How long the routes took to answer, where traefik.probe tries them; absent while they fail.',
            width: 12,
            unit: 's',
            queries: [
              { expr: `max(poolkeeper_probe_duration_seconds{${POOL}} and poolkeeper_probe_success{${POOL}} == 1)`, legend: 'answered' },
            ],
          }),
        ],
      },
    ],
    [
      labelVariable('namespace', 'poolkeeper_pool_backends{job="$job"}'),
      labelVariable('service', 'poolkeeper_pool_backends{job="$job", namespace="$namespace"}'),
    ],
  );
