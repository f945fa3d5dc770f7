import type { NodeDecision } from '../model/action.ts';
import { byBytes } from '../model/ids.ts';
import { drainingOf } from '../plan/context.ts';
import { count, few, type KnownWorld, linkMaker, type Subject } from './explain-facts.ts';
import { reasonOf, serviceTitle, silentWords, typeOfService } from './explain-spec.ts';
import type { Link } from './explanation.ts';

/** The NodePort of the Service: whether it has one, and whether the pool may use it. */
export function nodePortLink(subject: Subject, known: KnownWorld): Link {
  const { view, wanted } = subject;
  const { context } = known;
  const make = linkMaker(known)('node-port', ['services']);
  const type = typeOfService(subject);
  if (view?.settings.register === false) {
    const remedy = 'Remove the annotation poolkeeper.dev/register, or set it to "true".';
    return make('broken', 'register-false', { says: `${serviceTitle(subject)} says poolkeeper.dev/register: "false"`, remedy });
  }
  if ((view !== undefined || wanted !== undefined) && type !== 'NodePort') {
    const says = `${serviceTitle(subject)} is of type ${type}; only a NodePort makes a pool`;
    return make('broken', 'not-a-node-port', { says, remedy: 'Set spec.type to NodePort.' });
  }
  if (view === undefined) return make('waiting', 'not-created', { says: 'there is no Service yet that could have one' });
  const draining = Object.keys(drainingOf(view.pool, context.registry, context.policy)?.value.ports ?? {});
  const facts = draining.length === 0 ? [] : [`draining: ${few(draining)}`];
  const held = subject.specReport?.holds.find(({ what }) => what === `pool ${view.pool}`);
  if (view.leaving !== undefined && held !== undefined) {
    return make('ok', 'ok', { says: `${view.nodePort ?? 'it'} stays: its removal is held (${held.reason.code})`, facts });
  }
  if (view.leaving !== undefined) return make('waiting', 'leaving', { says: `the pool leaves: ${view.leaving}`, facts });
  if (view.nodePort === undefined)
    return make('waiting', 'node-port-not-allocated', { says: 'Kubernetes has not allocated a NodePort yet', facts });
  return make('ok', 'ok', { says: `${view.nodePort}${view.portName === '' ? '' : ` (port ${view.portName})`} is open`, facts });
}

/** What to do about nodes that are out, by the reason. */
export function nodeRemedy(code: NodeDecision['code'], node: string): string | undefined {
  switch (code) {
    case 'cordoned':
      return `kubectl uncordon ${node}`;
    case 'drained':
    case 'kept-by-turn':
      return `poolkeeper undrain ${node}, if it is drained; a cordon or taint is taken away by kubectl.`;
    case 'not-ready':
    case 'kept-mass-not-ready':
      return 'Look at the kubelets, and at their way to the API server.';
    case 'not-selected':
      return "Correct the node's labels, the annotation poolkeeper.dev/nodes or the option pool.nodes.";
    case 'excluded':
      return 'Take the label node.kubernetes.io/exclude-from-external-load-balancers from the node.';
    case 'tainted':
      return 'Remove the taint, or take it out of pool.drainingTaints.';
    case 'no-address':
      return 'Give the node an address of the types in pool.addressTypes, or change the option.';
    default:
      return undefined;
  }
}

/** Which nodes are backends, and why the others are not. */
export function backendsLink(subject: Subject, known: KnownWorld): Link {
  const { context } = known;
  const make = linkMaker(known)('backends', ['nodes']);
  const decisions = context.decisions.get(subject.pool)?.decisions ?? [];
  const silent = reasonOf(context.world.cluster.nodes);
  if (subject.view === undefined) return make('waiting', 'not-created', { says: 'decided when there is a Service' });
  if (silent !== undefined) return make('unknown', silent.code, silentWords('the nodes', silent));
  const [inside, outside] = [decisions.filter((one) => one.in), decisions.filter((one) => !one.in)];
  const facts = [...outside, ...inside.filter(isKept)].map(({ node, in: isIn, reason }) => `${node} ${isIn ? 'in' : 'out'}: ${reason}`);
  const says = `${inside.length} of ${count(decisions.length, 'node')}${outside.length === 0 ? '' : ` (${outside.length} out: ${reasons(outside)})`}`;
  // That most are NotReady at once says more than that the first of them are out already.
  const inDoubt = inside.find(({ code }) => code === 'kept-mass-not-ready');
  const worst = inDoubt ?? mostCommon(outside.length > 0 ? outside : inside.filter(isKept));
  if (worst !== undefined && inside.every(isKept)) {
    const remedy = nodeRemedy(worst.code, worst.node);
    const kept = inside.length === 0 ? '' : `, ${few(inside.map(({ node }) => node))} kept`;
    const why = { says: `${says}${kept}: ${worst.node}: ${worst.reason}`, facts, ...(remedy === undefined ? {} : { remedy }) };
    return make(inside.length === 0 && worst.code !== 'grace' ? 'broken' : 'waiting', worst.code, why);
  }
  if (inside.length === 0) return make('broken', 'no-backends', { says: 'the cluster has no nodes', facts });
  return make('ok', 'ok', { says, facts });
}

const isKept = ({ code }: NodeDecision): boolean => code.startsWith('kept-');

const reasons = (decisions: readonly NodeDecision[]): string =>
  few([...Map.groupBy(decisions, ({ code }) => code)].map(([code, group]) => `${group.length} ${code}`).sort(byBytes), 3);

/** The first decision of the reason that most of them have. */
function mostCommon(decisions: readonly NodeDecision[]): NodeDecision | undefined {
  const groups = [...Map.groupBy(decisions, ({ code }) => code).values()];
  return groups.sort((a, b) => b.length - a.length)[0]?.[0];
}
