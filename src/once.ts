import type { Config } from './config/config.ts';
import { addEarlier } from './core/report/add-earlier.ts';
import { isRollingOut, type RunReport } from './core/report/run-report.ts';
import { buildParts, type DaemonIo, engineOf, releaseLeases, SETTLE_MS } from './parts.ts';
import { knowLeader } from './run/know-leader.ts';
import { sleep } from './shared/abort.ts';

/** Plans against the live sources, read only: no lease is sought and nothing is written. With `check` the plan is tried by dry runs. */
export async function planOnce(config: Config, io: DaemonIo & { readonly check?: boolean }, signal: AbortSignal): Promise<RunReport> {
  const parts = await buildParts(config, io);
  try {
    const engine = engineOf(parts, { dryRun: true, ...(io.check === true ? { check: true } : {}) });
    await Promise.all([parts.cluster.start(signal), parts.registry.refresh(signal), parts.gateway?.refresh(signal)]);
    await engine.poll(signal);
    return (await engine.run(['plan'], signal)).report;
  } finally {
    await parts.close();
  }
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
