import { hashOf } from '../model/hash.ts';
import type { Tag } from './annotation-tags.ts';

/** A rule that no request matches. */
export const NEVER = 'PathPrefix(`/`) && !PathPrefix(`/`)';

/**
 * The name of a Service's router and Traefik service, which are global in Traefik. The digits tell `prod-web/api` and
 * `prod/web-api` apart.
 */
export function traefikName(namespace: string, name: string): string {
  return `${name}-${namespace}-${hashOf([namespace, name], 6)}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

/** The name of one more frontend of a Service. */
export const frontendName = (base: string, frontend: string): string => (frontend === '' ? base : `${base}_${namePart(frontend)}`);

/** The name of a middleware: those of one kind are told apart by a name of their own. */
export const middlewareName = (base: string, kind: string, name: string): string =>
  [base, kind, ...(name === '' ? [] : [namePart(name)])].join('-');

/** A router that matches no request, for the Service of this `traefikName`: it keeps Traefik 3 from making up an open one. */
export const closedRouter = (base: string): Tag => ({ key: `traefik.http.routers.${base}-closed.rule`, value: NEVER });

/** A name of the writer's as a part of one of ours: Traefik's tags are separated by dots and do not tell letter cases apart, and `-tls` is ours. */
function namePart(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-');
  return plain === name && !/-(?:tls|closed|redirected)$/.test(name) ? name : `${plain}-${hashOf(name, 6)}`;
}
