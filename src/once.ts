import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitSource } from './adapters/git/git-source.ts';
import { createGitSource } from './adapters/git/git-source.ts';
import type { Config } from './config/config.ts';
import { policyOf } from './config/policy-of.ts';
import { gitOptions } from './connections.ts';
import { addEarlier } from './core/report/add-earlier.ts';
import { pendingChanges } from './core/report/pending-changes.ts';
import type { PlannedChange } from './core/report/plan-diff.ts';
import { isRollingOut, type RunReport } from './core/report/run-report.ts';
import type { RecordedWorld } from './core/snapshot/recorded-world.ts';
import { buildParts, type DaemonIo, decoderOf, engineOf, releaseLeases, SETTLE_MS } from './parts.ts';
import { Engine } from './run/engine.ts';
import { knowLeader } from './run/know-leader.ts';
import { recordedPorts } from './run/recorded-ports.ts';
import { SpecPoller } from './run/spec-poller.ts';
import { standingSource } from './run/standing-source.ts';
import { sleep } from './shared/abort.ts';

/** What a plan is made from and for, beside the configuration. */
export interface PlanWish {
  /** The plan is tried by dry runs. */
  readonly check?: boolean;
  /** The specs, or the branch, are to be seen as if they were in force already. */
  readonly standIn?: boolean;
  /** Specs from elsewhere than the configured repository. */
  readonly source?: GitSource;
  /** A world to plan against instead of the live one. */
  readonly recorded?: RecordedWorld;
}

/** A plan, what it would change in detail, and the world that it was made for. */
export interface PlanAnswer {
  readonly report: RunReport;
  readonly changes: readonly PlannedChange[];
  readonly recorded: RecordedWorld;
}

/** Plans against the live sources, or against a recorded world, read only: no lease is sought and nothing is written. */
export async function planOnce(config: Config, io: DaemonIo & PlanWish, signal: AbortSignal): Promise<PlanAnswer> {
  if (io.recorded !== undefined) return planRecorded(config, { ...io, recorded: io.recorded }, signal);
  const parts = await buildParts(withOwnMirror(config), { ...io, keepContent: true });
  try {
    const { cluster, registry, gateway, policy, clock } = parts;
    const source = io.standIn === true ? standingSource(parts.git, registry, policy) : parts.git;
    const poller = new SpecPoller(source, decoderOf(config), clock);
    const engine = engineOf({ ...parts, poller }, { dryRun: true, ...(io.check === true ? { check: true } : {}) });
    await Promise.all([cluster.start(signal), registry.refresh(signal), gateway?.refresh(signal)]);
    await engine.poll(signal);
    return await answerOf(engine, { config, now: clock.now }, signal);
  } finally {
    await parts.close();
  }
}

/** A plan must not move what the daemon, which may run beside it, holds for the commit in force: it fetches into a mirror of its own. */
const withOwnMirror = ({ git, ...config }: Config): Config => ({ ...config, git: { ...git, mirrorDir: undefined } });

async function planRecorded(
  config: Config,
  { recorded, source, ...io }: DaemonIo & PlanWish & { readonly recorded: RecordedWorld },
  signal: AbortSignal,
): Promise<PlanAnswer> {
  const clock = { now: () => recorded.recordedAtMs, random: () => 0.5 };
  const policy = policyOf(config);
  const mirror = await mkdtemp(join(tmpdir(), 'poolkeeper-mirror-'));
  const git = source ?? createGitSource(gitOptions(config, mirror, clock, io));
  try {
    const { ports, ...seen } = recordedPorts(recorded);
    const poller = new SpecPoller(standingSource(git, ports.registry, policy), decoderOf(config), clock);
    const engine = new Engine({ ports, policy, clock, poller, dryRun: true, ...seen });
    await engine.poll(signal);
    return await answerOf(engine, { config, now: clock.now }, signal);
  } finally {
    await git.close();
    await rm(mirror, { recursive: true, force: true });
  }
}

async function answerOf(
  engine: Engine,
  { config, now }: { readonly config: Config; readonly now: () => number },
  signal: AbortSignal,
): Promise<PlanAnswer> {
  const { report } = await engine.run(['plan'], signal);
  const last = engine.lastRun();
  if (last === undefined) throw new Error('the run has left nothing');
  const { specs: _, ...world } = last.context.world;
  const recorded = { recordedAtMs: now(), owner: config.owner, cluster: config.cluster, keyPath: config.consul.keyPath, world };
  return { report, changes: pendingChanges(last.planned, { context: last.context, report }), recorded };
}

/** How long `syncOnce` goes on while something still changes or waits, and while it does not lead yet. */
const SYNC_MS = 120_000;
const SYNC_LEAD_MS = 30_000;

/**
 * Leads, and runs until every spec is in step but for its roll-outs, or cannot get there by waiting; gives the last report, with
 * what all runs did. Sources that do not answer, and another replica that leads, are waited for as long as a takeover may take,
 * then told in the report.
 */
export async function syncOnce(config: Config, io: DaemonIo, signal: AbortSignal): Promise<RunReport> {
  const parts = await buildParts(config, io);
  const engine = engineOf(parts, { dryRun: false });
  const startedAtMs = parts.clock.now();
  try {
    parts.leases.consul.start(signal);
    parts.leases.kubernetes.start();
    const known = parts.registry.start(signal).then(() => knowLeader(parts, signal));
    parts.gateway?.start(signal);
    const seen = parts.gateway?.refresh(signal);
    const started = Promise.all([parts.identify(signal), parts.cluster.start(signal), known, seen]);
    await Promise.race([started, sleep(SETTLE_MS, signal)]);
    started.catch(() => undefined);
    const earlier: RunReport[] = [];
    for (;;) {
      await engine.poll(signal);
      const { report } = await engine.run(['sync'], signal);
      io.onReport?.(report);
      const leads = report.leader.consul && report.leader.kubernetes;
      const elapsedMs = parts.clock.now() - startedAtMs;
      if (leads ? !report.specs.some(isMoving) || elapsedMs > SYNC_MS : elapsedMs > SYNC_LEAD_MS) return addEarlier(report, earlier);
      if (report.writes.length > 0) earlier.push(report);
      await sleep(250, signal);
    }
  } finally {
    await releaseLeases(parts);
    await parts.close();
  }
}

/** Roll-outs are Kubernetes' own work, and may take for ever: they are not waited for. */
const isMoving = (spec: RunReport['specs'][number]): boolean =>
  !isRollingOut(spec) && ['changing', 'waiting', 'leaving', 'unknown'].includes(spec.state);
