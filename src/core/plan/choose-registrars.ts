import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { PlanContext } from './context.ts';
import { toldEntry } from './context.ts';
import { forgetMigration, migrationOf, planMigration } from './plan-migration.ts';
import type { PoolAgents } from './pool-agents.ts';
import { agentsOf, listed, tellable } from './pool-agents.ts';
import { mayWriteEntry } from './pool-entries.ts';
import type { RegistrarInput, Registrars } from './registrars.ts';
import { addressed } from './registrars.ts';

const QUIET = { swap: [], waiting: [], problems: [] } as const;

/**
 * Chooses who registers a pool, so that no node is ever registered twice in it. In mode `kv` the agents of its backends do. In
 * the other modes the catalog does and agents are told not to, unless they register it already: then they go on, and the
 * catalog waits until somebody asks for the move.
 */
export function chooseRegistrars(input: RegistrarInput, context: PlanContext): Registrars {
  const { view, backends, registered } = input;
  const agents = agentsOf(view, context);
  const entry = toldEntry(view.pool, context);
  if (context.policy.registration === 'kv') {
    const record = forgetMigration(view.pool, context);
    return { ...byAgents(input, { agents, hasEntry: entry !== undefined }), ...(record === undefined ? {} : { record }) };
  }
  if (agents.nodes.size === 0) return byCatalog(input, context);
  const migration = migrationOf(view.pool, context);
  const begun = registered.instances.length > 0 && (entry?.nodes?.length ?? 0) > 0;
  if ((migration !== undefined || begun) && mayWriteEntry(view, context)) {
    return planMigration({ ...input, agents, migration, told: entry?.nodes }, context);
  }
  if (registered.instances.length > 0) return { ...byCatalog(input, context), problems: [doubled(view, agents)] };
  const told = entry === undefined ? undefined : tellable(backends, agents);
  return { ...QUIET, told, catalog: [], problems: [heldForAgents(view, agents)] };
}

/** What is in the catalog stays until the guard lets it go; until then agents are told nothing that they were not told before. */
function byAgents(
  { backends, registered }: RegistrarInput,
  { agents, hasEntry }: { readonly agents: PoolAgents; readonly hasEntry: boolean },
): Registrars {
  const names = tellable(backends, agents);
  if (registered.instances.length === 0) return { ...QUIET, told: names, catalog: [] };
  const whileHeld = hasEntry ? [] : undefined;
  return { ...QUIET, told: agents.nodes.size > 0 ? names : whileHeld, catalog: addressed(backends) };
}

function byCatalog({ view, backends, registered }: RegistrarInput, context: PlanContext): Registrars {
  const record = forgetMigration(view.pool, context);
  // Mode `catalog` wants no entry: one that is still there tells nobody to register, and leaves by the guard.
  const entry = toldEntry(view.pool, context);
  const tellsNobody = entry === undefined || entry.nodes?.length === 0 || !mayWriteEntry(view, context);
  const catalog = addressed(backends);
  const isEmpty = catalog.length + registered.instances.length === 0;
  const isLeftAlone = isEmpty || (context.policy.registration === 'catalog' && tellsNobody);
  return { ...QUIET, told: isLeftAlone ? undefined : [], catalog, ...(record === undefined ? {} : { record }) };
}

const heldForAgents = ({ pool, service }: PoolView, { nodes }: PoolAgents): Problem =>
  problem('CONSUL_AGENTS_REGISTER', `agents register pool ${pool} (Consul service ${service}) on ${listed(nodes)}; the catalog waits`, {
    remedy: `Move it to the catalog by: poolkeeper migrate ${pool}. Or set registration: kv to leave it to the agents.`,
  });

const doubled = ({ pool, service }: PoolView, { nodes }: PoolAgents): Problem =>
  problem(
    'CONSUL_POOL_DOUBLED',
    `pool ${pool} (Consul service ${service}) is in the catalog, and agents register it as well on ${listed(nodes)}`,
  );
