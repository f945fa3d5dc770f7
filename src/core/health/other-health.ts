import type { JsonObject, LiveObject } from '../model/objects.ts';
import type { Health } from './health.ts';
import { failed, progressing, READY } from './health.ts';
import { conditionOf, conditionText, countOf, fieldsIn, numberOf, textOf } from './status-fields.ts';

/** A Job is ready when it is complete. One that is suspended waits for whoever goes on with it. */
export function jobHealth({ spec }: LiveObject, status: JsonObject): Health {
  const failure = conditionOf(status, 'Failed');
  if (failure?.status === 'True') return failed(`the Job has failed: ${textOfFailure(failure)}`);
  if (conditionOf(status, 'Complete')?.status === 'True') return READY;
  if (spec['suspend'] === true) return progressing('the Job is suspended (spec.suspend)');
  return progressing(progressOfJob(spec, status));
}

const textOfFailure = ({ reason, message }: { readonly reason: string; readonly message: string }): string =>
  [reason, message].filter((text) => text !== '').join(': ') || 'no reason given';

function progressOfJob(spec: JsonObject, status: JsonObject): string {
  const completions = numberOf(spec, 'completions');
  const succeeded = countOf(status, 'succeeded');
  const broken = countOf(status, 'failed');
  const done =
    completions === undefined
      ? `the Job runs (${countOf(status, 'active')} active)`
      : `${succeeded} of ${completions} ${completions === 1 ? 'pod has' : 'pods have'} succeeded`;
  return broken === 0 ? done : `${done}, ${broken} failed`;
}

/** A claim is ready when it is bound. One whose volume is gone has failed. */
export function claimHealth(_live: LiveObject, status: JsonObject): Health {
  const phase = textOf(status, 'phase');
  if (phase === 'Bound') return READY;
  return phase === 'Lost' ? failed('the claim has lost its volume') : progressing('the claim is not bound to a volume yet');
}

/** A CustomResourceDefinition is ready when it is established. It has failed when another one has its names. */
export function definitionHealth(_live: LiveObject, status: JsonObject): Health {
  const names = conditionOf(status, 'NamesAccepted');
  if (names?.status === 'False') return failed(`its names are not accepted: ${conditionText(names)}`);
  const established = conditionOf(status, 'Established');
  if (established?.status === 'True') return READY;
  if (established?.status === 'False' && established.reason !== 'Installing') return failed(conditionText(established));
  return progressing('the API server does not serve it yet');
}

/** A Service is ready, but for one of type LoadBalancer: that needs an address. */
export function serviceHealth({ spec }: LiveObject, status: JsonObject): Health {
  if (textOf(spec, 'type') !== 'LoadBalancer') return READY;
  const ingress = fieldsIn(status, 'loadBalancer')['ingress'];
  return Array.isArray(ingress) && ingress.length > 0 ? READY : progressing('it has no address of a load balancer yet');
}

/** A pod is ready when it says so, or when it has done its work. */
export function podHealth(_live: LiveObject, status: JsonObject): Health {
  const phase = textOf(status, 'phase');
  if (phase === 'Succeeded') return READY;
  const ready = conditionOf(status, 'Ready');
  if (phase === 'Failed') return failed(ready === undefined ? 'the pod has failed' : `the pod has failed: ${conditionText(ready)}`);
  if (ready?.status === 'True') return READY;
  const waits = ready ?? conditionOf(status, 'PodScheduled');
  return progressing(waits?.status === 'False' ? `the pod is not ready: ${conditionText(waits)}` : 'the pod is not ready yet');
}

/** Kinds without a rule of their own, custom ones above all: what their condition `Ready` says; ready when they have none. */
export function conditionHealth(_live: LiveObject, status: JsonObject): Health {
  const ready = conditionOf(status, 'Ready');
  return ready === undefined || ready.status === 'True' ? READY : progressing(`not ready: ${conditionText(ready)}`);
}
