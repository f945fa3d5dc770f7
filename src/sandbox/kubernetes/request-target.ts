import { noSuchResource } from './api-error.ts';
import type { Target } from './object-api.ts';
import { apiVersionOf, resourceTypes } from './resource-types.ts';

/** Reads `/api/v1/…` and `/apis/<group>/v1/…`; the name is empty for a collection. 404 for what is not served. */
export function parseTarget(pathname: string): Target {
  const parts = pathname.split('/').slice(1).map(decodeURIComponent);
  const isCore = parts[0] === 'api';
  const version = isCore ? parts[1] : `${parts[1]}/${parts[2]}`;
  const rest = parts.slice(isCore ? 2 : 3);
  // A Namespace itself is /namespaces/<name>; what lies in it is /namespaces/<name>/<resource>.
  const isInside = rest[0] === 'namespaces' && rest[2] !== undefined && rest[2] !== 'status';
  const [resource, name = '', subresource = ''] = isInside ? rest.slice(2) : rest;
  const namespace = isInside ? (rest[1] ?? '') : '';
  const type = resourceTypes.find((known) => known.resource === resource && apiVersionOf(known) === version);
  const isScoped = (namespace !== '') === (type?.namespaced === true) || (namespace === '' && name === '');
  if (type === undefined || !isScoped) throw noSuchResource();
  if (subresource !== '' && (subresource !== 'status' || !type.hasStatus)) throw noSuchResource();
  return { type, namespace, name, subresource };
}

/** The answer of a discovery path, or undefined when it is none. */
export function discover(pathname: string): unknown {
  if (pathname === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.4-sandbox', platform: 'sandbox' };
  if (pathname === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  const groups = [...new Set(resourceTypes.map((type) => type.group).filter((group) => group !== ''))].map((name) => {
    const version = { groupVersion: `${name}/v1`, version: 'v1' };
    return { name, versions: [version], preferredVersion: version };
  });
  if (pathname === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  const group = groups.find(({ name }) => pathname === `/apis/${name}`);
  if (group !== undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...group };
  const groupVersion = pathname.replace(/^\/apis?\//, '');
  const resources = resourceTypes
    .filter((type) => apiVersionOf(type) === groupVersion)
    .flatMap(({ resource: name, kind, namespaced, hasStatus }) => {
      const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
      const main = { name, singularName: kind.toLowerCase(), namespaced, kind, verbs };
      return hasStatus ? [main, { ...main, name: `${name}/status`, singularName: '', verbs: ['get', 'patch', 'update'] }] : [main];
    });
  return resources.length === 0 ? undefined : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}
