import { mayServe, selectedWorkloads } from '../desired/selected-workloads.ts';
import { healthOf } from '../health/health-of.ts';
import { objectTitle } from '../model/ids.ts';
import type { JsonObject, LiveObject } from '../model/objects.ts';
import type { PodTrouble } from '../model/pods.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { count, few, type KnownWorld, linkMaker, type MakeLink, type Subject } from './explain-facts.ts';
import { reasonOf, silentWords } from './explain-spec.ts';
import type { CauseCode, Link } from './explanation.ts';

/** Troubles of pods that a person has to mend, by the words of kubelet and scheduler. The others may pass. */
const HARD: readonly (readonly [RegExp, CauseCode, string])[] = [
  [
    /^(ImagePullBackOff|ErrImagePull|InvalidImageName|ErrImageNeverPull)$/,
    'image-pull',
    'Correct the image of the spec, or see that the nodes may pull it.',
  ],
  [
    /^(CrashLoopBackOff|RunContainerError)$/,
    'crash-loop',
    "Look at the container's log (kubectl logs --previous), and correct the spec or the image.",
  ],
  [/^CreateContainer(Config)?Error$/, 'container-config', 'Make the ConfigMap or Secret that the container names, or correct the name.'],
  [/^Unschedulable$/, 'unschedulable', 'Lower what the pod asks for, correct its node selector and tolerations, or add nodes.'],
];
const LOOK_AT_PODS = 'Look at the pods: kubectl describe pod, kubectl logs.';

/** The pods behind the Service: roll-outs, and the endpoints that are ready. */
export function podsLink(subject: Subject, known: KnownWorld): Link {
  const { view, pool } = subject;
  const { world } = known.context;
  const make = linkMaker(known)('pods', ['pods', 'endpoints']);
  if (view === undefined) return make('waiting', 'not-created', { says: 'there is no Service that could have pods' });
  const endpoints = snapshotValue(world.cluster.endpoints)?.get(pool);
  const ready = endpoints?.ready ?? 0;
  const serves = ready > 0 && endpoints?.portNames.includes(view.portName) === true;
  const workloads = workloadsOf(subject, known);
  const facts = [`${count(ready, 'endpoint')} ready`, ...workloads.map(({ key }) => objectTitle(key))];
  const rollout = rolloutLink(make, { workloads, serves, facts }, known);
  if (rollout !== undefined && rollout.state === 'broken') return rollout;
  const silent = reasonOf(world.cluster.endpoints);
  if (silent !== undefined) return make('unknown', silent.code, { ...silentWords('the EndpointSlices', silent), facts });
  if (rollout !== undefined) return rollout;
  if (serves) return make('ok', 'ok', { says: `${count(ready, 'endpoint')} ready`, facts: facts.slice(1) });
  return nothingReady(make, { subject, workloads, ready, facts }, known);
}

/** The live workloads whose pods the Service selects, as it stands or as its spec has it. */
function workloadsOf({ view, wanted, spec }: Subject, { context }: KnownWorld): readonly LiveObject[] {
  if (view === undefined) return [];
  const objects = (spec === undefined ? undefined : context.desired.specs.get(spec)?.spec)?.objects ?? [];
  const service = { live: view.live, wanted: wanted?.object };
  return [...context.desired.live.values()].filter(
    (live) =>
      live.spec['template'] !== undefined && mayServe({ live, wanted: objects.find(({ key }) => key === live.key)?.object }, service),
  );
}

interface RolloutFacts {
  readonly workloads: readonly LiveObject[];
  readonly serves: boolean;
  readonly facts: readonly string[];
}

/** What is wrong with a roll-out, or how far it is; undefined when all are done. */
function rolloutLink(make: MakeLink, { workloads, serves, facts }: RolloutFacts, { context }: KnownWorld): Link | undefined {
  const pods = snapshotValue(context.world.cluster.pods);
  const meanwhile = serves ? '; pods of before serve meanwhile' : '';
  const open = workloads.flatMap((live) => {
    const troubles = pods?.get(live.key) ?? [];
    const health = healthOf(live, troubles);
    return health.state === 'ready' || health.state === 'unknown' ? [] : [{ title: objectTitle(live.key), health, troubles }];
  });
  const told = (troubles: readonly PodTrouble[]): readonly string[] =>
    troubles.map(({ pod, reason, message }) => `pod ${pod}: ${reason}${message === '' ? '' : `: ${message}`}`);
  for (const { title, troubles } of open) {
    for (const [pattern, code, remedy] of HARD) {
      const found = troubles.find(({ reason }) => pattern.test(reason));
      if (found === undefined) continue;
      const message = found.message === '' ? '' : `: ${found.message}`;
      return make('broken', code, {
        says: `${title}: ${found.reason}${message}${meanwhile}`,
        remedy,
        facts: [...facts, ...told(troubles)],
      });
    }
  }
  const failed = open.find(({ health }) => health.state === 'failed');
  if (failed !== undefined) {
    const remedy = 'Look at the pods of the object; correct the spec, or take the change back.';
    const says = `${failed.title}: ${failed.health.reason}${meanwhile}`;
    return make('broken', 'ROLLOUT_FAILED', { says, remedy, facts: [...facts, ...told(failed.troubles)] });
  }
  const [first] = open;
  if (first === undefined) return undefined;
  return make('waiting', 'rolling-out', {
    says: `${first.title}: ${first.health.reason}${meanwhile}`,
    remedy: LOOK_AT_PODS,
    facts: [...facts, ...told(first.troubles)],
  });
}

interface Unserved {
  readonly subject: Subject;
  readonly workloads: readonly LiveObject[];
  readonly ready: number;
  readonly facts: readonly string[];
}

/** Why no endpoint is ready although no roll-out is under way. */
function nothingReady(make: MakeLink, { subject, workloads, ready, facts }: Unserved, { context }: KnownWorld): Link {
  const { view, spec } = subject;
  const port = view?.portName === '' ? 'its port' : `port ${view?.portName}`;
  if (ready > 0) {
    const remedy = 'Correct targetPort: it names a port that the containers do not have.';
    return make('broken', 'port-without-endpoints', {
      says: `${count(ready, 'pod')} ready, but none has ${port} of the Service`,
      remedy,
      facts,
    });
  }
  const selector = Object.entries((view?.live.spec['selector'] ?? {}) as JsonObject).map(([key, value]) => `${key}=${String(value)}`);
  const objects = (spec === undefined ? undefined : context.desired.specs.get(spec)?.spec)?.objects ?? [];
  const coming = view === undefined ? [] : selectedWorkloads(view.live, objects);
  if (workloads.length + coming.length === 0 && selector.length > 0) {
    const remedy = 'Make the selector of the Service and the labels of the pod template agree.';
    return make('broken', 'selector-matches-nothing', { says: `the selector ${few(selector)} matches no pods`, remedy, facts });
  }
  if (workloads.length > 0 && workloads.every((live) => live.spec['replicas'] === 0)) {
    const titles = workloads.map(({ key }) => objectTitle(key));
    return make('broken', 'scaled-to-zero', { says: `${few(titles)} has 0 replicas`, remedy: 'Raise spec.replicas.', facts });
  }
  return make('broken', 'no-ready-endpoints', { says: 'no endpoint of the Service is ready', remedy: LOOK_AT_PODS, facts });
}
