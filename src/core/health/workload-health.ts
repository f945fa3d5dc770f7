import type { JsonObject, LiveObject } from '../model/objects.ts';
import type { Health } from './health.ts';
import { failed, progressing, READY } from './health.ts';
import { conditionOf, conditionText, countOf, fieldsIn, numberOf, textOf } from './status-fields.ts';

/** `1 of 3 replicas are updated`. */
const ofReplicas = (count: number, wanted: number, what: string): string =>
  `${count} of ${wanted} ${wanted === 1 ? 'replica is' : 'replicas are'} ${what}`;

const surplus = (count: number): string => `${count} replica${count === 1 ? ' is' : 's are'} still to be removed`;

/** The controllers take 1 where `spec.replicas` is left out. */
const wantedReplicas = (spec: JsonObject): number => numberOf(spec, 'replicas') ?? 1;

/**
 * A Deployment is ready when every replica is of the newest template and available, and no other is left: then its conditions
 * say nothing more. It has failed when its progress deadline has passed, or when its pods are refused (quota, admission). Images
 * that cannot be pulled fail by the deadline only: registries come back.
 */
export function deploymentHealth({ spec }: LiveObject, status: JsonObject): Health {
  const missing = missingOfDeployment(wantedReplicas(spec), status);
  if (missing === undefined) return READY;
  if (conditionOf(status, 'Progressing')?.reason === 'ProgressDeadlineExceeded') {
    return failed(`no progress within the progress deadline; ${missing}`);
  }
  const refusal = conditionOf(status, 'ReplicaFailure');
  if (refusal?.status === 'True') return failed(`${missing}; ${conditionText(refusal)}`);
  return progressing(spec['paused'] === true ? `the roll-out is paused (spec.paused); ${missing}` : missing);
}

function missingOfDeployment(wanted: number, status: JsonObject): string | undefined {
  const updated = countOf(status, 'updatedReplicas');
  const replicas = countOf(status, 'replicas');
  const available = countOf(status, 'availableReplicas');
  if (replicas < wanted) return ofReplicas(replicas, wanted, 'created');
  if (updated < wanted) return ofReplicas(updated, wanted, 'updated');
  if (replicas > wanted) return surplus(replicas - wanted);
  return available < wanted ? ofReplicas(available, wanted, 'available') : undefined;
}

/** A ReplicaSet or ReplicationController is ready when all its replicas are available; it has failed when its pods are refused. */
export function replicaSetHealth({ spec }: LiveObject, status: JsonObject): Health {
  const wanted = wantedReplicas(spec);
  const replicas = countOf(status, 'replicas');
  const available = countOf(status, 'availableReplicas');
  const refusal = conditionOf(status, 'ReplicaFailure');
  if (replicas < wanted && refusal?.status === 'True')
    return failed(`${ofReplicas(replicas, wanted, 'created')}; ${conditionText(refusal)}`);
  if (replicas > wanted) return progressing(surplus(replicas - wanted));
  return available < wanted ? progressing(ofReplicas(available, wanted, 'available')) : READY;
}

/**
 * A StatefulSet is ready when all its replicas are, and those above the partition are of the newest revision. With `OnDelete`
 * the update is somebody's own work, so it is not waited for. `currentRevision` is not compared: it may lag behind for good.
 */
export function statefulSetHealth({ spec }: LiveObject, status: JsonObject): Health {
  const wanted = wantedReplicas(spec);
  const replicas = countOf(status, 'replicas');
  const ready = countOf(status, 'readyReplicas');
  if (ready < wanted) return progressing(ofReplicas(ready, wanted, 'ready'));
  if (replicas > wanted) return progressing(surplus(replicas - wanted));
  const strategy = fieldsIn(spec, 'updateStrategy');
  if (textOf(strategy, 'type') === 'OnDelete') return READY;
  const partition = numberOf(fieldsIn(strategy, 'rollingUpdate'), 'partition') ?? 0;
  const toUpdate = wanted - partition;
  const updated = countOf(status, 'updatedReplicas');
  if (updated >= toUpdate) return READY;
  return progressing(ofReplicas(updated, toUpdate, partition === 0 ? 'updated' : `updated (partition ${partition})`));
}

/** A DaemonSet is ready when its pod is available on every node it is meant for, of the newest template unless `OnDelete`. */
export function daemonSetHealth({ spec }: LiveObject, status: JsonObject): Health {
  const desired = numberOf(status, 'desiredNumberScheduled');
  if (desired === undefined) return progressing('its controller has not counted its nodes yet');
  const updated = countOf(status, 'updatedNumberScheduled');
  const available = countOf(status, 'numberAvailable');
  const onNodes = (count: number, what: string): string => `its pod is ${what} on ${count} of ${desired} node${desired === 1 ? '' : 's'}`;
  const updates = textOf(fieldsIn(spec, 'updateStrategy'), 'type') !== 'OnDelete';
  if (updates && updated < desired) return progressing(onNodes(updated, 'updated'));
  return available < desired ? progressing(onNodes(available, 'available')) : READY;
}
