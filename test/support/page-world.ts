import type { NodeReason } from '../../src/core/model/action.ts';
import { nodeName, poolKey, replicaName, revision, specId } from '../../src/core/model/ids.ts';
import type { SpecHistoryAnswer } from '../../src/core/report/commit-verdict.ts';
import type { Explanation, WhyQuestion } from '../../src/core/report/explanation.ts';
import type { PoolPicture } from '../../src/core/report/pool-picture.ts';
import type { PoolReport, RunReport, SpecReport } from '../../src/core/report/run-report.ts';
import { problem } from '../../src/shared/problem.ts';
import { actionReport, nodeDecision, nodeReport, poolReport, runReport, sourceReport, specReport } from './run-report.ts';

const NAMES = [
  'shop',
  'cart',
  'orders-api',
  'payments',
  'search',
  'web',
  'accounts',
  'inventory',
  'mailer',
  'images',
  'reports',
  'sessions',
];
const NAMESPACES = ['prod', 'stage', 'tools'];

/** A report of many services on many nodes, all in step. */
export function manyServices(services: number, nodes: number): RunReport {
  const names = Array.from({ length: nodes }, (_, i) => `worker-${String(i + 1).padStart(2, '0')}`);
  const pools = Array.from({ length: services }, (_, i) => {
    const name = `${NAMES[i % NAMES.length] ?? ''}${i < NAMES.length * NAMESPACES.length ? '' : `-${i}`}`;
    const namespace = NAMESPACES[Math.floor(i / NAMES.length) % NAMESPACES.length] ?? '';
    return servedBy(poolReport(namespace, name, { service: name, nodePort: 30_000 + i }), names);
  });
  return runReport({
    startedAtMs: Date.now() - 2_000,
    commit: { author: 'platform-team', committedAtMs: Date.now() - 64_000, subject: 'Move checkout to the new cart' },
    revision: revision('4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d'),
    specs: pools.map(({ spec }) =>
      specReport(spec, { legs: { git: 'in-step', kubernetes: 'in-step', consul: 'in-step', traefik: 'in-step' } }),
    ),
    pools: pools.sort((a, b) => (a.pool < b.pool ? -1 : 1)),
    nodes: names.map((node) => nodeReport(node, { registered: services })),
    gateways: [{ replica: replicaName('edge-1'), state: 'in-step', pools: services }],
    latencies: [{ revision: revision('4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d'), stage: 'total', seconds: 0.42, start: 'webhook' }],
  });
}

/** The pool with all of these nodes in it. */
export function servedBy(pool: PoolReport, names: readonly string[]): PoolReport {
  const nodes = names.map((name) => nodeName(name));
  return {
    ...pool,
    desired: nodes.length,
    registered: nodes.length,
    passing: nodes.length,
    serving: nodes.length,
    decisions: names.map((name) => nodeDecision(name)),
    registeredOn: nodes,
    passingOn: nodes,
    replicas: [{ replica: replicaName('edge-1'), state: 'in-step', serving: nodes.length, missing: 0, lingering: [], routers: [] }],
  };
}

/** The same report with a node out of every pool. */
export function withoutNode(report: RunReport, name: string, code: NodeReason, reason: string): RunReport {
  const node = nodeName(name);
  const without = (pool: PoolReport): PoolReport => {
    const left = pool.registeredOn.filter((one) => one !== node);
    const rest = { desired: left.length, registered: left.length, passing: left.length, serving: left.length };
    const decisions = pool.decisions.map((one) => (one.node === node ? { ...one, in: false, code, reason } : one));
    return { ...pool, ...rest, decisions, registeredOn: left, passingOn: left };
  };
  return {
    ...report,
    pools: report.pools.map(without),
    nodes: report.nodes.map((one) =>
      one.node === node ? { ...one, eligible: false, code, reason, draining: code === 'drained', registered: 0 } : one,
    ),
  };
}

/** The same report with something else said of one spec. */
export const withSpec = (report: RunReport, id: string, more: Partial<SpecReport>): RunReport => ({
  ...report,
  specs: report.specs.map((spec) => (spec.id === id ? { ...spec, ...more } : spec)),
});

/** A day on which some things go wrong: one held back, one broken, one that rolls out, a drained node and one that is not ready. */
export function busyDay(): RunReport {
  const plain = manyServices(36, 12);
  const drained = withoutNode(plain, 'worker-07', 'drained', 'drained by poolkeeper.dev/drain: kernel update');
  const report = withoutNode(drained, 'worker-11', 'not-ready', 'not Ready for 3m 12s: kubelet stopped posting node status');
  const held = {
    spec: specReport('prod/mailer.yaml').id,
    what: 'the removal of pool prod/mailer, 10 backends',
    reason: problem('REMOVAL_LIMIT', 'the removal of pool prod/mailer is above the limit of 1 pool in 10 min', {
      remedy: 'Approve it by a commit with the trailer Poolkeeper-Allow-Removal: prod/mailer, or wait 6 min.',
    }),
  };
  const broken = problem('SPEC_UNKNOWN_FIELD', 'unknown field replicsa; did you mean replicas?', {
    where: { file: 'prod/images.yaml', line: 14, column: 3, path: 'spec.replicsa' },
  });
  const legs = (more: Partial<SpecReport['legs']>): SpecReport['legs'] => ({
    git: 'in-step',
    kubernetes: 'in-step',
    consul: 'in-step',
    traefik: 'in-step',
    ...more,
  });
  const changes: Readonly<Record<string, Partial<SpecReport>>> = {
    'prod/mailer.yaml': { state: 'held', holds: [held], legs: legs({ kubernetes: 'waiting', consul: 'waiting' }) },
    'prod/images.yaml': { state: 'broken', problems: [broken], legs: legs({ git: 'failed', kubernetes: 'unknown' }) },
    'prod/cart.yaml': {
      state: 'waiting',
      waiting: [{ leg: 'kubernetes', what: 'Deployment cart: 2 of 3 replicas are updated', on: undefined, rollout: true }],
      legs: legs({ kubernetes: 'waiting' }),
      actions: [actionReport({ on: 'Deployment prod/cart', changes: ['spec.template.spec.containers[0].image: cart:7 → cart:8'] })],
    },
    'prod/search.yaml': { state: 'changing', legs: legs({ traefik: 'changing' }) },
  };
  return {
    ...report,
    specs: report.specs.map((spec) => ({ ...spec, ...changes[spec.id] })),
    pools: report.pools.map((pool) => (pool.pool === 'prod/search' ? { ...pool, serving: 8 } : pool)),
    holds: [held],
    sources: [...report.sources, sourceReport('traefik:edge-1')],
  };
}

/** The picture of a pool with one route. */
export function pictureOf(report: RunReport, name: string): PoolPicture | undefined {
  const pool = report.pools.find((one) => one.pool === name);
  if (pool === undefined) return undefined;
  const [namespace = '', service = ''] = name.split('/');
  const address = (node: string): string => `10.0.4.${Number(node.slice(-2)) + 10}:${pool.nodePort ?? 0}`;
  return {
    pool: poolKey(namespace, service),
    toldBy: replicaName('edge-1'),
    routes: [
      {
        name: service,
        rule: `Host(\`${service}.example.com\`) && PathPrefix(\`/\`)`,
        entryPoints: ['websecure'],
        tls: true,
        middlewares: ['auth@file', `${service}-headers@consulcatalog`],
        service,
        errors: [],
        servers: pool.registeredOn.map((node) => ({ url: `http://${address(node)}`, node, state: 'up' })),
      },
    ],
    objects: ['Deployment', 'Service', 'ConfigMap'].map((kind) => ({
      title: `${kind} ${name}`,
      state: 'in-cluster',
      appliedAtMs: report.startedAtMs - 60_000,
    })),
    addresses: Object.fromEntries(pool.registeredOn.map((node) => [node, address(node)])),
  };
}

/** An answer that everything is well, or that a node takes no traffic. */
export function explanationOf(asked: WhyQuestion, report: RunReport): Explanation {
  const pool = report.pools.find(({ pool: key }) => key === asked.value || asked.value.includes(key.slice(key.indexOf('/') + 1)));
  const serving = pool?.serving ?? 0;
  const link = { state: 'ok', code: 'ok', facts: [], ageMs: 1_200 } as const;
  return {
    asked,
    about: asked.value,
    ...(pool === undefined ? {} : { pool: pool.pool }),
    verdict: serving > 0 ? 'in-traffic' : 'unknown',
    says: serving > 0 ? `it is in traffic: ${serving} servers answer` : `nobody knows ${asked.value}`,
    links: [
      { ...link, link: 'commit', says: 'commit 4f1c0de by platform-team is in force' },
      { ...link, link: 'file', says: `${pool?.spec ?? 'no file'} is a spec`, facts: ['3 objects'] },
      { ...link, link: 'registrations', says: `${serving} instances stand in Consul, all passing` },
      { ...link, link: 'router', says: 'Traefik has the router' },
      { ...link, link: 'probe', state: 'not-watched', code: 'not-probed', says: 'no route is tried' },
    ],
    runAgeMs: 2_000,
    sources: report.sources,
  };
}

/** Two commits that changed a spec, of which the daemon has followed the newer one. */
export function historyOf(report: RunReport, asked: string): SpecHistoryAnswer {
  const commit = { author: 'platform-team', committedAtMs: report.startedAtMs - 60_000 };
  const verdict = { state: 'in-traffic', says: 'it is in traffic', seconds: 3.2 } as const;
  const [newer, older] = ['4f1c0de2b7a94c1f8e3d5a6b7c8d9e0f1a2b3c4d', '0b5d1f7c3e8a4d2b9f60718293a4b5c6d7e8f901'].map((id) => revision(id));
  return {
    spec: specId(asked),
    revisions: [
      ...(newer === undefined
        ? []
        : [{ ...commit, revision: newer, subject: 'Move checkout to the new cart', change: 'changed' as const, verdict }]),
      ...(older === undefined ? [] : [{ ...commit, revision: older, subject: 'Add the services', change: 'added' as const }]),
    ],
    more: false,
  };
}
