import type { DeregisterPool, RegisterPool } from '../model/action.ts';
import type { Instance } from '../model/registration.ts';
import { shownTag } from '../model/shown-tag.ts';
import type { PlanContext } from '../plan/context.ts';
import { instanceKey } from '../plan/diff-registration.ts';
import { registeredOf } from '../plan/plan-pool.ts';
import { readGate } from '../routes/catalog-items.ts';
import { declareTags } from '../routes/declare-tags.ts';
import { LabelError } from '../routes/label-tree.ts';
import { labelsOf } from '../routes/tag-labels.ts';
import type { DiffLine } from './diff-line.ts';

/** Backends, name and tags of a pool before and after. */
export function diffPool(action: RegisterPool, context: PlanContext): readonly DiffLine[] {
  const before = registeredOf(action.pool, context).instances;
  const after = instancesAfter(action, before);
  const [old] = before;
  const next = action.set[0] ?? old;
  const name =
    old !== undefined && next !== undefined && old.service !== next.service ? [changed('Consul service', old.service, next.service)] : [];
  return [...name, ...diffBackends(before, after), ...diffTags(old?.tags ?? [], next?.tags ?? [])];
}

/** All that goes with a pool. */
export const leavingPool = ({ pool }: Pick<DeregisterPool, 'pool'>, context: PlanContext): readonly DiffLine[] =>
  diffBackends(registeredOf(pool, context).instances, []);

/** Checks of instances that stay: those of new ones come with them. */
export function diffChecks({ pool, checks, removeChecks }: RegisterPool, context: PlanContext): readonly DiffLine[] {
  const registered = registeredOf(pool, context);
  const staying = new Set(registered.instances.map(({ consulNode, id }) => instanceKey(consulNode, id)));
  const before = new Map(registered.checks.map((check) => [instanceKey(check.consulNode, check.checkId), check]));
  const set = checks
    .filter(({ consulNode, instanceId }) => staying.has(instanceKey(consulNode, instanceId)))
    .flatMap((check) => {
      // A check whose notes alone change tells people nothing.
      const was = before.get(instanceKey(check.consulNode, check.checkId))?.status;
      return was === check.status ? [] : [changed(`check ${check.checkId} on ${check.consulNode}`, was, check.status)];
    });
  const gone = removeChecks.map(({ consulNode, checkId }) =>
    changed(`check ${checkId} on ${consulNode}`, before.get(instanceKey(consulNode, checkId))?.status, undefined),
  );
  return [...set, ...gone];
}

/** What Traefik makes of the tags before and after: the rules of the routers that they declare. */
export function diffRouters(action: RegisterPool | Pick<DeregisterPool, 'kind' | 'pool'>, context: PlanContext): readonly DiffLine[] {
  const before = registeredOf(action.pool, context).instances;
  const after = action.kind === 'deregister-pool' ? [] : instancesAfter(action, before);
  const [old, next] = [rulesOf(before[0]), rulesOf(action.kind === 'deregister-pool' ? undefined : (action.set[0] ?? after[0]))];
  const routers = [...new Set([...old.keys(), ...next.keys()])];
  return routers.flatMap((router) => {
    const [was, is] = [old.get(router), next.get(router)];
    return was === is ? [] : [changed(`router ${router}`, was, is)];
  });
}

/** The rule of each router that an instance declares; none where Traefik takes it for nothing. */
function rulesOf(instance: Pick<Instance, 'service' | 'tags'> | undefined): ReadonlyMap<string, string> {
  if (instance === undefined) return new Map();
  const labels = labelsOf(instance.tags, 'traefik');
  const gate = readGate(labels);
  if (gate instanceof LabelError || !gate.enable) return new Map();
  try {
    const facts = { labels, tags: instance.tags, isCanary: gate.canary, isLetIn: true };
    const { configuration } = declareTags(instance.service, facts, () => '(default rule)');
    const routers = (['http', 'tcp', 'udp'] as const).flatMap((protocol) => [...configuration[protocol].routers]);
    return new Map(routers.map(([name, router]) => [name, String(router['rule'] ?? '')]));
  } catch (error) {
    if (error instanceof LabelError) return new Map();
    throw error;
  }
}

function instancesAfter(action: RegisterPool, before: readonly Instance[]): readonly Instance[] {
  const touched = new Set([...action.set, ...action.remove].map(({ consulNode, id }) => instanceKey(consulNode, id)));
  return [...before.filter(({ consulNode, id }) => !touched.has(instanceKey(consulNode, id))), ...action.set];
}

function diffBackends(before: readonly Instance[], after: readonly Instance[]): readonly DiffLine[] {
  const [old, next] = [endpointsOf(before), endpointsOf(after)];
  const nodes = [...new Set([...old.keys(), ...next.keys()])];
  return nodes.flatMap((node) => {
    const [was, is] = [old.get(node), next.get(node)];
    return was === is ? [] : [changed(`backend ${node}`, was, is)];
  });
}

/** Where each node is reached. While a NodePort moves a node has two instances. */
function endpointsOf(instances: readonly Instance[]): ReadonlyMap<string, string> {
  const byNode = Map.groupBy(instances, ({ node }) => String(node));
  return new Map(
    [...byNode].map(([node, all]) => [
      node,
      all
        .map(({ address, port }) => `${address}:${port}`)
        .sort()
        .join(', '),
    ]),
  );
}

function diffTags(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const gone = before.filter((tag) => !after.includes(tag)).map((tag): DiffLine => ({ what: 'tag', op: 'remove', before: shownTag(tag) }));
  const added = after.filter((tag) => !before.includes(tag)).map((tag): DiffLine => ({ what: 'tag', op: 'add', after: shownTag(tag) }));
  return [...gone, ...added];
}

/** One line for a value that comes, goes, or becomes another. */
function changed(what: string, before: string | undefined, after: string | undefined): DiffLine {
  const op = before === undefined ? 'add' : after === undefined ? 'remove' : 'change';
  return { what, op, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}
