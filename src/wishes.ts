import type { HttpServerOptions, Suspensions } from './http/http-server-options.ts';
import type { Parts } from './parts.ts';
import { approveRemovals } from './run/approve-removals.ts';
import type { Engine } from './run/engine.ts';
import { migratePools } from './run/migrate-pools.ts';
import { resumeSpec, suspendSpec } from './run/suspend-spec.ts';
import type { Problem } from './shared/problem.ts';
import { problem } from './shared/problem.ts';

/** What the wishes of people are carried out with. */
export interface WishTools {
  readonly parts: Parts;
  readonly engine: Pick<Engine, 'lastRun'>;
  readonly log: { info(fields: Readonly<Record<string, unknown>>, message: string): void };
  /** Asks for a run. */
  readonly wake: (trigger: string) => void;
  /** Asks for one that reads everything again. */
  readonly resync: () => Promise<unknown>;
}

type Wishes = Required<Pick<HttpServerOptions, 'drain' | 'migrate' | 'approve' | 'suspensions'>>;

/** What people may ask of a running daemon about nodes, pools, removals and specs; each wish is logged. */
export function wishesOf(tools: WishTools, signal: AbortSignal): Wishes {
  const { parts, engine, log, resync } = tools;
  return {
    drain: async (wish) => {
      const refused = await parts.drainNode(wish, signal);
      log.info({ event: 'drain', ...wish, result: refused?.code ?? 'done' }, `asked to ${wish.drain ? '' : 'un'}drain ${wish.node}`);
      return refused;
    },
    migrate: async (wish) => {
      const { registry, leases, policy, clock } = parts;
      const pools = engine.lastRun()?.report.pools ?? [];
      const result = await migratePools(wish, { registry, lease: leases.consul, policy, clock, pools }, signal);
      log.info({ event: 'migrate', ...wish, result: codeOf(result) }, 'asked to migrate pools');
      if (result.kind === 'done') void resync().catch(() => undefined);
      return result;
    },
    approve: async (wish) => {
      const last = engine.lastRun();
      if (last === undefined) return { kind: 'refused', problem: NOT_YET };
      return tellOf('approve', { wish, result: await approveRemovals(wish, last.held, memoryPorts(parts), signal) }, tools);
    },
    suspensions: suspensionsBy(tools, signal),
  };
}

const memoryPorts = ({ registry, leases, policy, clock }: Parts) => ({ registry, lease: leases.consul, policy, clock });

function suspensionsBy(tools: WishTools, signal: AbortSignal): Suspensions {
  const { parts, engine } = tools;
  const specsNow = () => engine.lastRun()?.report.specs.map(({ id }) => id);
  return {
    suspend: async (wish) => {
      const specs = specsNow();
      if (specs === undefined) return { kind: 'refused', problem: NOT_YET };
      return tellOf('suspend', { wish, result: await suspendSpec(wish, { ...memoryPorts(parts), specs }, signal) }, tools);
    },
    resume: async (wish) => {
      const specs = specsNow() ?? [];
      return tellOf('resume', { wish, result: await resumeSpec(wish, { ...memoryPorts(parts), specs }, signal) }, tools);
    },
  };
}

const NOT_YET = problem('SNAPSHOT_STALE', 'the first run has not ended yet', { remedy: 'Try again in a moment.' });

type Result = { readonly kind: 'done' } | { readonly kind: 'refused'; readonly problem: Problem };

const codeOf = (result: Result): string => (result.kind === 'done' ? 'done' : result.problem.code);

/** Logs a wish with what became of it, and has a run follow at once. */
function tellOf<T extends Result>(
  event: string,
  { wish, result }: { readonly wish: object; readonly result: T },
  { log, wake }: Pick<WishTools, 'log' | 'wake'>,
): T {
  log.info({ event, ...wish, result: codeOf(result) }, `asked to ${event} ${nameOf(wish)}`);
  if (result.kind === 'done') wake(event);
  return result;
}

function nameOf(wish: object): string {
  const { hold, removals, spec } = wish as { readonly hold?: string; readonly removals?: number; readonly spec?: string };
  return hold ?? spec ?? (removals === undefined ? 'every spec' : `${removals} removals`);
}
