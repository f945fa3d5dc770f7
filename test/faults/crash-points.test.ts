import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport } from '../../src/core/report/run-report.ts';
import { appManifest } from '../support/app-manifest.ts';
import { type DrainWatch, startDrainWatch } from '../support/drain-watch.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { randomNumbers } from '../support/random-numbers.ts';
import type { Intercept, RecordedRequest } from '../support/recording-proxy.ts';
import { catalogNodes, endLeases, instancesOf, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type WriteKind, writeKindsOf } from '../support/write-kinds.ts';

const DRAIN_MS = 6_000;
/** Between the plan, from which the daemon counts a drain, and the transaction; and what the two observers lag. */
const TOLERANCE_MS = 1_000;
const SETTLE_MS = 40_000;

const PHASES = ['start', 'create', 'change', 'remove', 'stop'] as const;
type Phase = (typeof PHASES)[number];

/** Every kind of write of each phase. The daemon is killed before and after the first one of each. */
const WRITES: Readonly<Record<Phase, readonly WriteKind[]>> = {
  start: ['Lease', 'session create', 'lock acquire', 'canaries', 'memory', 'Consul nodes'],
  create: ['memory', 'Deployment apply', 'Service apply', 'pool register', 'specification'],
  change: [
    'memory',
    'Deployment apply',
    'Service apply with a draining port',
    'pool change',
    'pool port move',
    'Service apply',
    'drain forgotten',
    'specification',
  ],
  remove: ['memory', 'pool deregister', 'Service delete', 'Deployment delete', 'drain forgotten', 'specification forgotten'],
  stop: ['Lease given up', 'lock release', 'session destroy'],
};

/** When the daemon is killed: at a write, or so many ms after the phase began. `none`: not at all. */
type Crash =
  | { readonly kind: 'write'; readonly write: WriteKind; readonly when: 'before' | 'after' }
  | { readonly kind: 'moment'; readonly afterMs: number }
  | { readonly kind: 'none' };

/** Moments are drawn from a little more than the time that a phase takes. */
const LONGEST_MS: Readonly<Record<Phase, number>> = { start: 1_500, create: 700, change: 7_000, remove: 7_000, stop: 0 };
const LANES = 16;
/** How far the second choice of a NodePort is from the first. */
const OTHER_PORTS = 40;
const seed = Number(process.env['POOLKEEPER_CRASH_SEED'] ?? Date.now() % 1_000_000);

/** One crash for each phase of each lane: first every write, before and after, then moments. */
function crashesOf(lane: number, random: () => number): Readonly<Record<Phase, Crash>> {
  const pick = (phase: Phase): Crash => {
    const write = WRITES[phase][lane >> 1];
    if (write !== undefined) return { kind: 'write', write, when: lane % 2 === 0 ? 'before' : 'after' };
    return phase === 'stop' ? { kind: 'none' } : { kind: 'moment', afterMs: Math.round(random() * LONGEST_MS[phase]) };
  };
  return { start: pick('start'), create: pick('create'), change: pick('change'), remove: pick('remove'), stop: pick('stop') };
}

const random = randomNumbers(seed);
const lanes = Array.from({ length: LANES }, (_, index) => ({ index, crashes: crashesOf(index, random) }));

function titleOf(crashes: Readonly<Record<Phase, Crash>>): string {
  return PHASES.map((phase) => {
    const crash = crashes[phase];
    if (crash.kind === 'none') return `${phase}: no crash`;
    return `${phase}: ${crash.kind === 'write' ? `${crash.when} ${crash.write}` : `after ${crash.afterMs} ms`}`;
  }).join(', ');
}

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)(`kill -9 at every kind of write, and at any moment (POOLKEEPER_CRASH_SEED=${seed})`, () => {
  let drains: DrainWatch;

  beforeAll(async () => {
    drains = await startDrainWatch(stack);
  });

  afterAll(async () => {
    await drains?.stop();
  });

  it('knows every kind of write that there is', async () => {
    const lane = await Lane.prepare(LANES, drains);
    try {
      // A drain is written again when Consul was slow to answer, which a busy machine may bring about.
      const known = new Set<WriteKind>([...Object.values(WRITES).flat(), 'drain key']);
      for (const phase of PHASES) {
        lane.forget();
        await lane.run(phase, { kind: 'none' });
        const kinds = lane.writes();
        expect(
          kinds.filter((kind) => !known.has(kind)),
          phase,
        ).toEqual([]);
        expect(
          WRITES[phase].filter((kind) => !kinds.includes(kind)),
          phase,
        ).toEqual([]);
      }
      lane.expectWholeDrains();
    } finally {
      await lane.site.remove();
    }
  });

  it.concurrent.each(lanes.map(({ index, crashes }) => [index, titleOf(crashes), crashes] as const))(
    'lane %i: %s',
    async (index, _, crashes) => {
      const lane = await Lane.prepare(index, drains);
      try {
        for (const phase of PHASES) await lane.run(phase, crashes[phase]);
        lane.expectWholeDrains();
      } finally {
        await lane.site.remove();
      }
    },
  );
});

/** One daemon on its way through the phases. */
class Lane {
  readonly site: Site;
  readonly #drains: DrainWatch;
  #nodePort: number;

  private constructor(site: Site, drains: DrainWatch, nodePort: number) {
    this.site = site;
    this.#drains = drains;
    this.#nodePort = nodePort;
  }

  static async prepare(index: number, drains: DrainWatch): Promise<Lane> {
    const name = `crash-${index}`;
    const env = { POOLKEEPER_TRAEFIK_LET_GO: '5s', POOLKEEPER_DRAIN_SECONDS: '1' };
    const site = await prepareSite({ stack, name, files: { 'steady.yaml': appManifest(`steady-${name}`, {}) }, env });
    for (const app of ['web', 'steady']) drains.follow(`${name}/${app}-${name}`, `${app}-${name}`);
    // The lower band of the range, which the API server gives to nobody who does not ask for it.
    return new Lane(site, drains, 30_010 + index);
  }

  /** Goes through one phase with a crash in it, and waits until what should be is. */
  async run(phase: Phase, crash: Crash): Promise<void> {
    const { daemon } = this.site;
    const killed = this.#killAt(crash);
    await this.#begin(phase);
    if (crash.kind !== 'none') {
      await killed;
      await endLeases(this.site);
      await daemon.start();
    } else if (phase === 'stop') await daemon.start();
    if (phase === 'change') await this.#leaveLostPort();
    await this.#expectState(phase);
  }

  forget(): void {
    this.site.kubernetes.forget();
    this.site.consul.forget();
  }

  writes(): readonly WriteKind[] {
    return [...this.site.kubernetes.requests, ...this.site.consul.requests].flatMap(writeKindsOf);
  }

  /** Nothing of a NodePort that closed may have been in Consul for the whole drain before. */
  expectWholeDrains(): void {
    const { name } = this.site;
    expect(this.#drains.closings(`${name}/steady-${name}`)).toEqual([]);
    const closings = this.#drains.closings(`${name}/web-${name}`);
    expect(closings.map(({ nodePort }) => nodePort === this.#nodePort)).toEqual([false, true]);
    for (const { closedAtMs, leftConsulAtMs } of closings) {
      expect(closedAtMs - (leftConsulAtMs ?? closedAtMs)).toBeGreaterThanOrEqual(DRAIN_MS - TOLERANCE_MS);
    }
  }

  async #begin(phase: Phase): Promise<void> {
    const { daemon, git, name } = this.site;
    const web = `web-${name}`;
    if (phase === 'start') return void (await daemon.launch());
    if (phase === 'stop')
      return void (await daemon
        .process()
        .signal('SIGTERM')
        .then(() => daemon.process().waitForExit()));
    if (phase === 'create') await git.commit({ 'web.yaml': appManifest(web, {}) }, 'a new service');
    if (phase === 'change') {
      const changes = { replicas: 3, nodePort: this.#nodePort, tags: 'kubernetes,blue' };
      const steady = appManifest(`steady-${name}`, { tags: 'kubernetes,green' });
      await git.commit({ 'web.yaml': appManifest(web, changes), 'steady.yaml': steady }, 'another NodePort, other tags, more replicas');
    }
    if (phase === 'remove') await git.commit({}, 'no service any more', { remove: ['web.yaml'] });
    // It may have been killed meanwhile.
    void daemon.resync().catch(() => undefined);
  }

  /** Resolves when the daemon has been killed as `crash` says. */
  #killAt(crash: Crash): Promise<void> {
    const { daemon, kubernetes, consul } = this.site;
    if (crash.kind === 'none') return Promise.resolve();
    if (crash.kind === 'moment')
      return new Promise((resolve, reject) => setTimeout(() => daemon.kill().then(resolve, reject), crash.afterMs));
    return new Promise((resolve, reject) => {
      const kill = (): Promise<void> => daemon.kill().then(resolve, reject);
      const choose = (request: RecordedRequest): Intercept | undefined => {
        if (!writeKindsOf(request).includes(crash.write)) return undefined;
        for (const proxy of [kubernetes, consul]) proxy.intercept(undefined);
        clearTimeout(late);
        return { kind: crash.when, work: kill };
      };
      for (const proxy of [kubernetes, consul]) proxy.intercept(choose);
      const late = setTimeout(() => reject(new Error(`there was no write of the kind ${crash.write}`)), SETTLE_MS);
    });
  }

  /**
   * An API server whose client dies amid the change of a Service may keep the new NodePort allocated to nobody, for minutes (seen twice,
   * Kubernetes 1.35). The daemon can only tell; whoever reads that takes another port, and so does this.
   */
  async #leaveLostPort(): Promise<void> {
    const wanted = JSON.stringify(wantedState('change', this.#nodePort));
    const outcome = await waitUntil(
      'the change, or its refusal',
      async () => {
        const said = await this.site.daemon.status().then(wordsOf, () => '');
        if (said.includes('provided port is already allocated')) return 'refused';
        return JSON.stringify(await stateOf(this.site, this.#nodePort)) === wanted ? 'done' : undefined;
      },
      { timeoutMs: SETTLE_MS, describe: () => '' },
    ).catch(() => 'neither');
    if (outcome !== 'refused') return;
    this.#nodePort += OTHER_PORTS;
    await this.#begin('change');
  }

  async #expectState(phase: Phase): Promise<void> {
    const wanted = wantedState(phase, this.#nodePort);
    let last: unknown;
    const look = async (): Promise<true | undefined> => {
      last = await stateOf(this.site, this.#nodePort);
      return JSON.stringify(last) === JSON.stringify(wanted) ? true : undefined;
    };
    const isReached = await waitUntil(`the state after ${phase}`, look, { timeoutMs: SETTLE_MS, describe: () => '' }).catch(() => false);
    // What it waits for, in its own words.
    const said = isReached ? '' : await this.site.daemon.status().then(wordsOf, String);
    expect(last, `${phase}: ${said}`).toEqual(wanted);
    const revision = await this.site.git.repository.head();
    await this.site.daemon.waitFor(
      `rest after ${phase}`,
      (report) =>
        report.revision === revision &&
        report.leader.consul &&
        report.specs.length === (phase === 'create' || phase === 'change' ? 2 : 1) &&
        report.specs.every(({ state }) => state === 'in-step'),
    );
    expect(await stateOf(this.site, this.#nodePort), `${phase}, at rest`).toEqual(wanted);
  }
}

const wordsOf = ({ specs, problems }: RunReport): string =>
  [...specs.flatMap((spec) => [...spec.problems, ...spec.waiting, ...spec.holds]), ...problems]
    .map((one) => JSON.stringify(one))
    .join('\n');

/** All that stands of a lane in both stores, without what differs from lane to lane. `auto` is the NodePort that Kubernetes chose. */
interface State {
  readonly services: readonly string[];
  readonly deployments: readonly string[];
  readonly instances: readonly string[];
  readonly keys: readonly string[];
  readonly nodes: readonly string[];
}

function wantedState(phase: Phase, nodePort: number): State {
  const web = {
    create: { services: ['web http:auto'], deployments: ['web 2'], instances: ['n1', 'n2', 'n3'].map((n) => `web ${n}:auto kubernetes`) },
    change: {
      services: [`web http:${nodePort}`],
      deployments: ['web 3'],
      instances: ['n1', 'n2', 'n3'].map((n) => `web ${n}:${nodePort} blue kubernetes`),
    },
    start: undefined,
    remove: undefined,
    stop: undefined,
  }[phase];
  const isBefore = phase === 'start' || phase === 'create';
  const steady = ['n1', 'n2', 'n3'].map((n) => `steady ${n}:auto ${isBefore ? '' : 'green '}kubernetes`);
  return {
    services: ['steady http:auto', ...(web?.services ?? [])],
    deployments: ['steady 2', ...(web?.deployments ?? [])],
    instances: [...steady, ...(web?.instances ?? [])],
    keys: [
      '.poolkeeper/NAME/canary',
      '.poolkeeper/NAME/leader',
      '.poolkeeper/NAME/memory',
      'deployments/NAME/steady-NAME',
      ...(web === undefined ? [] : ['deployments/NAME/web-NAME']),
      ...recordsOf('steady', isBefore ? 1 : 2),
      ...(web === undefined ? [] : recordsOf('web', phase === 'change' ? 2 : 1)),
    ],
    nodes: ['k8s-NAME--canary', 'k8s-NAME-n1', 'k8s-NAME-n2', 'k8s-NAME-n3'],
  };
}

/** What is recorded of an app that has had so many contents. */
const recordsOf = (app: string, contents: number): readonly string[] =>
  [...Array.from({ length: contents }, () => 'TIME_UUID'), 'deployed', 'latest'].map((entry) => `specifications/NAME/${app}-NAME/${entry}`);

interface Listed<Spec> {
  readonly items: readonly { readonly metadata: { readonly name: string }; readonly spec: Spec }[];
}

async function stateOf({ stack: servers, name }: Site, nodePort: number): Promise<State> {
  const list = (path: string): Promise<unknown> => kubeRequest(servers, 'GET', path);
  const services = (await list(`/api/v1/namespaces/${name}/services`)) as Listed<{ ports: { name: string; nodePort: number }[] }>;
  const deployments = (await list(`/apis/apps/v1/namespaces/${name}/deployments`)) as Listed<{ replicas: number }>;
  const short = (text: string): string => text.replace(`-${name}`, '');
  const chosen = new Map(services.items.map(({ metadata, spec }) => [short(metadata.name), spec.ports[0]?.nodePort]));
  const portText = (app: string, port: number): string => (port !== nodePort && port === chosen.get(app) ? 'auto' : String(port));
  const instances = await Promise.all(
    ['steady', 'web'].map(async (app) =>
      (await instancesOf(servers, `${app}-${name}`)).map(({ Node, ServicePort, ServiceTags }) => {
        const plain = ServiceTags.filter((tag) => !tag.includes('='));
        return `${app} ${Node.replace(`k8s-${name}-`, '')}:${portText(app, ServicePort)} ${plain.sort().join(' ')}`;
      }),
    ),
  );
  return {
    services: services.items
      .map(
        (item) =>
          `${short(item.metadata.name)} ${item.spec.ports.map((p) => `${p.name}:${portText(short(item.metadata.name), p.nodePort)}`).join(' ')}`,
      )
      .sort(),
    deployments: deployments.items.map(({ metadata, spec }) => `${short(metadata.name)} ${spec.replicas}`).sort(),
    instances: instances.flat().sort(),
    keys: (await kvEntries(servers, `${name}/`))
      .map(({ key }) =>
        key
          .slice(name.length + 1)
          .replaceAll(name, 'NAME')
          .replace(/\d{16}_[0-9a-f-]{36}$/, 'TIME_UUID'),
      )
      .sort(),
    nodes: (await catalogNodes(servers, name)).map(({ Node }) => Node.replace(name, 'NAME')).sort(),
  };
}
