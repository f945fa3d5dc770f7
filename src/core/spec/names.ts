const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a DNS-1123 label: at most 63 lower case letters, digits and `-`, not beginning or ending with `-`. */
export const isDnsLabel = (name: string): boolean => LABEL.test(name);

/** True for a DNS-1123 subdomain: labels joined by dots, at most 253 characters. (Kubernetes does not limit the single label here.) */
export const isDnsSubdomain = (name: string): boolean =>
  name.length <= 253 && name.split('.').every((part) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(part));

/** True for a name that only has to fit into a URL path: what RBAC objects may be called (`system:node`). */
export const isPathSegment = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !/[/%]/.test(name);
