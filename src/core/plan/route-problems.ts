import type { Problem, SourcePosition } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { SpecId } from '../model/ids.ts';
import { withoutUsers } from '../model/shown-tag.ts';
import type { FoundConflict } from '../routes/route-conflict.ts';
import type { SettledRoutes } from '../routes/settle-routes.ts';
import type { PoolClaim } from './route-verdicts.ts';

/** What is told to each spec about the conflicts of its routes: to the one that is set aside an error, to the others a warning. */
export function routeProblems(
  { setAside, standing }: SettledRoutes,
  claims: readonly PoolClaim[],
): ReadonlyMap<SpecId, readonly Problem[]> {
  const told = new Map<SpecId, Problem[]>();
  const tell = ({ spec }: PoolClaim, one: Problem): void => {
    const list = told.get(spec) ?? [];
    if (!list.some(({ code, message }) => code === one.code && message === one.message)) list.push(one);
    told.set(spec, list);
  };
  const byService = claimsByService(claims);
  const partiesOf = ({ declaredBy }: FoundConflict): readonly Party[] =>
    declaredBy.flatMap((service): Party[] => {
      const own = byService.get(service);
      return own === undefined
        ? [{ service, title: `the Consul service ${service}, which is not ours` }]
        : own.map((claim) => ownParty(service, claim));
    });
  for (const claim of claims) {
    for (const conflict of setAside.get(claim.pool) ?? []) {
      const others = partiesOf(conflict).filter((party) => party.claim?.pool !== claim.pool);
      tell(claim, asideProblem(claim, describe(conflict, others), conflict));
      for (const { claim: other } of others)
        if (other !== undefined && !setAside.has(other.pool)) tell(other, holderProblem(other, claim, conflict));
    }
  }
  for (const conflict of standing) {
    const parties = partiesOf(conflict);
    for (const { claim } of parties) if (claim !== undefined) tell(claim, standingProblem(claim, conflict, parties));
  }
  return told;
}

/** Who takes part in a conflict; without `claim` a stranger. */
interface Party {
  readonly service: string;
  readonly title: string;
  readonly claim?: PoolClaim;
}

const ownParty = (service: string, claim: PoolClaim): Party => ({ service, claim, title: `pool ${claim.pool} (${claim.spec})` });

function claimsByService(claims: readonly PoolClaim[]): ReadonlyMap<string, readonly PoolClaim[]> {
  const byService = new Map<string, PoolClaim[]>();
  for (const claim of claims) {
    for (const service of new Set([...claim.before, ...claim.after].map((part) => part.service))) {
      const list = byService.get(service);
      if (list === undefined) byService.set(service, [claim]);
      else list.push(claim);
    }
  }
  return byService;
}

function asideProblem(claim: PoolClaim, why: string, conflict: FoundConflict): Problem {
  const message = `pool ${claim.pool} ${claim.before.length === 0 ? 'is not registered' : 'stays registered as it was'}: ${why}`;
  return problem('ROUTE_CONFLICT', message, { remedy: remedyFor(conflict), ...whereOf(claim) });
}

const holderProblem = (holder: PoolClaim, { pool, spec }: PoolClaim, conflict: FoundConflict): Problem =>
  problem('ROUTE_CONFLICT', `pool ${pool} (${spec}) is set aside: it collides with ${conflict.what}, which pool ${holder.pool} has`, {
    severity: 'warning',
    ...whereOf(holder),
  });

function standingProblem(claim: PoolClaim, conflict: FoundConflict, parties: readonly Party[]): Problem {
  const others = parties.filter((party) => party.claim !== claim);
  const message = `pool ${claim.pool}: ${describe(conflict, others)}`;
  const code = conflict.severity === 'error' ? 'ROUTE_CONFLICT_STANDS' : 'ROUTE_DOUBTFUL';
  return problem(code, message, { remedy: remedyFor(conflict), ...whereOf(claim) });
}

/** What the matter is, with all who take part by name. */
function describe({ kind, what, message }: FoundConflict, others: readonly Party[]): string {
  const names = others.map(({ title }) => title).join(' and ');
  const said = withoutUsers(message);
  if (names === '') return said;
  if (kind === 'conflict') return `${what} is declared in another way by ${names}; Traefik would drop it for all of them`;
  if (kind === 'shared-service') return `${what} has servers of ${names} as well; each would get the requests of the others`;
  return `${said} (with ${names})`;
}

function remedyFor({ kind, what }: FoundConflict): string {
  switch (kind) {
    case 'conflict':
    case 'shared-service':
      return `Give the ${what} another name in the tags of one of them, or register both under one Service.`;
    case 'same-rule':
    case 'overlap':
    case 'shadowed':
      return 'Change the rule of one of the routers, or set their priorities so that the narrower one comes first.';
    case 'udp-entry-point':
      return 'Put the routers on entry points of their own.';
    case 'not-judged':
      return 'Write the expression with fewer and smaller repetitions.';
    case 'broken':
    case 'unknown-resolver':
      return 'Correct the tags of the Service, or define in Traefik what they refer to.';
    default:
      return 'Correct the tags of the Service as the message says.';
  }
}

function whereOf({ object, spec }: PoolClaim): { readonly where?: SourcePosition } {
  return object === undefined ? {} : { where: { file: spec, ...object.where } };
}
