import { deploymentsKey, NODE_CHECK_ID } from '../model/consul-names.ts';
import type { NodeName } from '../model/ids.ts';
import { objectTitle } from '../model/ids.ts';
import { shownTag } from '../model/shown-tag.ts';
import { registeredOf } from '../plan/plan-pool.ts';
import { agentsOf } from '../plan/pool-agents.ts';
import { brokenBy, count, few, type KnownWorld, linkMaker, type Subject } from './explain-facts.ts';
import { isOfAnotherPool, openLink, silentWords } from './explain-spec.ts';
import type { Link } from './explanation.ts';
import { legOfProblem } from './spec-state.ts';

/** What stands of the pool in Consul: instances, their checks, the entry under `deployments/`. */
export function registrationsLink(subject: Subject, known: KnownWorld): Link {
  const { report, sources } = known;
  const { view, specReport, pool } = subject;
  const make = linkMaker(known)('registrations', ['consul']);
  const state = standing(subject, known);
  const { facts } = state;
  const error = specReport?.problems.find(
    (one) => one.severity === 'error' && legOfProblem(one.code) === 'consul' && !isOfAnotherPool(one, subject, known),
  );
  if (error !== undefined) return brokenBy(make, error, facts);
  const source = sources.find((one) => one.source === 'consul');
  if (source !== undefined && source.kind !== 'complete')
    return make('unknown', source.reason?.code ?? 'CONSUL_UNAVAILABLE', { ...silentWords('Consul', source.reason), facts });
  const titles = new Set([`pool ${pool}`, ...(view === undefined ? [] : [objectTitle(view.live.key)])]);
  const open = (specReport?.actions ?? []).filter(({ leg, result, on }) => leg === 'consul' && result !== 'done' && titles.has(on));
  const failed = open.find(({ problem }) => problem !== undefined)?.problem;
  if (failed !== undefined) return brokenBy(make, failed, facts);
  if (open.length > 0)
    return openLink(make, { leg: 'consul', open: open.map(({ on, changes }) => `${on} (${few(changes, 3)})`), facts }, report);
  const held = specReport?.waiting.find(({ leg, on }) => leg === 'consul' && on === pool);
  if (state.registered === 0) {
    const says = held?.what ?? `Consul service ${view?.service ?? subject.pool} has no instance of it`;
    return make('waiting', 'not-registered', { says, facts });
  }
  if (state.passing === 0)
    return make('broken', 'checks-critical', {
      says: state.critical ?? 'no check passes',
      facts,
      remedy: 'Mend what the checks say; `poolkeeper why NODE` tells of a node.',
    });
  const says = `${count(state.registered, 'instance')} of Consul service ${view?.service ?? ''}, ${state.passing} passing`;
  return make('ok', 'ok', { says, facts });
}

interface Standing {
  readonly registered: number;
  readonly passing: number;
  /** What a failing check says. */
  readonly critical: string | undefined;
  readonly facts: readonly string[];
}

function standing({ pool, view }: Subject, { context }: KnownWorld): Standing {
  const { registry, policy } = context;
  const { instances, checks } = registeredOf(pool, context);
  const agents = view === undefined ? [] : agentsOf(view, context).instances;
  const failing = new Map<NodeName, string>();
  for (const { node, consulNode, id } of instances) {
    const own = checks.find((check) => check.consulNode === consulNode && check.instanceId === id && check.status === 'critical');
    const ofNode = registry?.checks.get(`${consulNode}/${NODE_CHECK_ID}`);
    const critical = own ?? (ofNode?.status === 'critical' ? ofNode : undefined);
    if (critical !== undefined)
      failing.set(node, `${critical.name} of ${node} is critical${critical.output === '' ? '' : `: ${critical.output}`}`);
  }
  const [first] = instances;
  const wanted = context.decisions.get(pool)?.backends.map(({ node }) => node) ?? [];
  const missing = wanted.filter((node) => !instances.some((one) => one.node === node));
  const entry = registry?.kv.get(deploymentsKey(policy.keyPath, pool));
  const facts = [
    ...(missing.length > 0 && agents.length === 0 ? [`not registered: ${few(missing)}`] : []),
    ...failing.values(),
    ...(agents.length === 0 ? [] : [`${count(agents.length, 'instance')} registered by agents`]),
    ...(first === undefined ? [] : [`tags: ${few(first.tags.map(shownTag), 4)}`]),
    ...(entry === undefined ? [] : [`kv: ${entry.key}`]),
  ];
  return {
    registered: instances.length + agents.length,
    passing: instances.length - failing.size + agents.length,
    critical: [...failing.values()][0],
    facts,
  };
}
