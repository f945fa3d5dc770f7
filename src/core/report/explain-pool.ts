import type { PoolKey } from '../model/ids.ts';
import { snapshotValue } from '../model/snapshot.ts';
import { backendsLink, nodePortLink } from './explain-backends.ts';
import { type KnownWorld, type Subject, subjectOf } from './explain-facts.ts';
import { podsLink } from './explain-pods.ts';
import { registrationsLink } from './explain-registrations.ts';
import { commitLink, fileLink, objectsLink } from './explain-spec.ts';
import { probeLink, routerLink, type SeenTraefik, seenTraefik, serversLink } from './explain-traefik.ts';
import type { Findings } from './finish-explanation.ts';

/** The whole chain of a pool, from the commit to the last probe. */
export const explainPool = (pool: PoolKey, known: KnownWorld): Findings => explainSubject(subjectOf(pool, known), known);

/** The chain of a pool of which is known already what there is to know. */
export function explainSubject(subject: Subject, known: KnownWorld): Findings {
  const seen = seenTraefik(subject, known);
  const links = [
    commitLink(known),
    fileLink(subject, known),
    objectsLink(subject, known),
    podsLink(subject, known),
    nodePortLink(subject, known),
    backendsLink(subject, known),
    registrationsLink(subject, known),
    routerLink(subject, seen, known),
    serversLink(seen, known),
    probeLink(subject, known),
  ];
  return {
    about: `pool ${subject.pool}`,
    pool: subject.pool,
    links,
    serving: servingOf(subject, seen),
    reaches: reachesOf(subject, known),
  };
}

/** Where no Traefik is watched, what passes in Consul stands for what serves. */
function servingOf({ view, poolReport }: Subject, { replicas, serving }: SeenTraefik): number | undefined {
  if (view === undefined) return 0;
  return replicas === undefined ? (poolReport?.passing ?? 0) : serving;
}

/** Whether anything is behind the NodePort; unknown while the EndpointSlices are. */
function reachesOf({ view, pool }: Subject, { context }: KnownWorld): boolean | undefined {
  const endpoints = snapshotValue(context.world.cluster.endpoints)?.get(pool);
  if (view === undefined || endpoints === undefined) return undefined;
  return [...endpoints.portNames, ...(endpoints.terminatingPorts ?? [])].includes(view.portName);
}
