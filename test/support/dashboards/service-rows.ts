import { backends, between, floors, own, type PanelRow, plain, STATES, sum } from './panel-row.ts';

const leg = (state: (typeof STATES)[number], truth: string): PanelRow => ({
  truth,
  changedBy: 'a node is cordoned',
  expected: (facts) => [own(facts, backends(facts, state))],
});

/** What the panels of *Service* are held to. */
export const SERVICE: Readonly<Record<string, PanelRow>> = {
  Desired: leg('desired', 'fit nodes of Kubernetes'),
  Registered: leg('registered', 'instances in the catalog of Consul'),
  Passing: leg('passing', 'instances in Consul of which every check passes'),
  Serving: leg('serving', 'servers in the API of Traefik'),
  Floor: {
    truth: 'the annotation of the Service in Kubernetes, else 1',
    changedBy: 'a floor is raised',
    expected: (facts) => [own(facts, floors(facts))],
  },
  'Backends by leg': {
    truth: 'Kubernetes, Consul and Traefik, as above',
    changedBy: 'a node is cordoned',
    expected: (facts) => [STATES.flatMap((state) => own(facts, backends(facts, state), { state })), own(facts, floors(facts))],
  },
  Missing: {
    truth: 'fit nodes of Kubernetes less instances in Consul that pass',
    changedBy: 'Consul refuses writes while a node comes back',
    expected: (facts) => [plain(sum(own(facts, backends(facts, 'desired'))) - sum(own(facts, backends(facts, 'passing'))))],
  },
  'Routes, tried': {
    truth: 'a proxy in front of the gateway: what it adds, and what it saw',
    changedBy: 'routes grow slow',
    expected: ({ routes }) => [between(routes.least, routes.most)],
  },
};
