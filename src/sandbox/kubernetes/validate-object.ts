import { isDeepStrictEqual } from 'node:util';
import { type Cause, invalidField, requiredField } from './api-error.ts';
import { type ApiObject, type Deployment, matchesLabels, type Service } from './api-object.ts';

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const nameRules: Readonly<Record<string, { readonly what: string; readonly regex: string }>> = {
  Service: { what: 'DNS-1035 label', regex: '[a-z]([-a-z0-9]*[a-z0-9])?' },
  Namespace: { what: 'lowercase RFC 1123 label', regex: label },
  Container: { what: 'lowercase RFC 1123 label', regex: label },
};
const defaultRule = { what: 'lowercase RFC 1123 subdomain', regex: `${label}(\\.${label})*` };
const serviceTypes = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

/** What the server refuses with 422: the rules that a spec most often breaks. `live` is absent on create. */
export function validateObject(object: ApiObject, live: ApiObject | undefined): readonly Cause[] {
  const causes = live === undefined ? validateName(object.kind, 'metadata.name', object.metadata.name) : [];
  if (object.kind === 'Deployment') return [...causes, ...validateDeployment(object as Deployment, live as Deployment | undefined)];
  if (object.kind === 'Service') return [...causes, ...validateService(object as Service, live as Service | undefined)];
  const isRetyped = object.kind === 'Secret' && live !== undefined && live['type'] !== object['type'];
  return isRetyped ? [...causes, invalidField('type', object['type'], 'field is immutable')] : causes;
}

function validateName(kind: string, field: string, name: string): readonly Cause[] {
  const { what, regex } = nameRules[kind] ?? defaultRule;
  if (new RegExp(`^${regex}$`).test(name)) return [];
  return [
    invalidField(field, name, `a ${what} must consist of lower case alphanumeric characters (regex used for validation is '${regex}')`),
  ];
}

function validateDeployment({ spec }: Deployment, live: Deployment | undefined): readonly Cause[] {
  const causes: Cause[] = [];
  if ((spec.replicas ?? 0) < 0) causes.push(invalidField('spec.replicas', spec.replicas, 'must be greater than or equal to 0'));
  const labels = spec.template.metadata?.labels ?? {};
  if (spec.selector === undefined) causes.push(requiredField('spec.selector'));
  if (!matchesLabels(spec.selector?.matchLabels ?? { '': '' }, labels)) {
    causes.push(invalidField('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  const containers = spec.template.spec?.containers ?? [];
  if (containers.length === 0) causes.push(requiredField('spec.template.spec.containers'));
  containers.forEach(({ name, image }, index) => {
    const path = `spec.template.spec.containers[${index}]`;
    causes.push(...(name === undefined ? [requiredField(`${path}.name`)] : validateName('Container', `${path}.name`, name)));
    if (image === undefined) causes.push(requiredField(`${path}.image`));
  });
  if (live !== undefined && !isDeepStrictEqual(live.spec.selector, spec.selector)) {
    causes.push(invalidField('spec.selector', spec.selector, 'field is immutable'));
  }
  return causes;
}

function validateService({ spec }: Service, live: Service | undefined): readonly Cause[] {
  const causes: Cause[] = [];
  const ports = spec.ports ?? [];
  if (!serviceTypes.includes(spec.type ?? '')) {
    const message = `Unsupported value: ${JSON.stringify(spec.type)}: supported values: ${serviceTypes.map((type) => `"${type}"`).join(', ')}`;
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'spec.type' });
  }
  if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None') causes.push(requiredField('spec.ports'));
  ports.forEach(({ name, port, nodePort }, index) => {
    const path = `spec.ports[${index}]`;
    const isTwice = ports.findIndex((other) => other.name === name) < index;
    if (name === undefined && ports.length > 1) causes.push(requiredField(`${path}.name`));
    else if (isTwice) causes.push({ reason: 'FieldValueDuplicate', message: `Duplicate value: "${name}"`, field: `${path}.name` });
    if (port < 1 || port > 65_535) causes.push(invalidField(`${path}.port`, port, 'must be between 1 and 65535, inclusive'));
    if (spec.type === 'ClusterIP' && nodePort !== undefined) {
      const message = "Forbidden: may not be used when `type` is 'ClusterIP'";
      causes.push({ reason: 'FieldValueForbidden', message, field: `${path}.nodePort` });
    }
  });
  const before = live?.spec.clusterIP;
  if (before !== undefined && spec.clusterIP !== undefined && before !== spec.clusterIP) {
    causes.push(invalidField('spec.clusterIPs[0]', [spec.clusterIP], 'may not change once set'));
  }
  return causes;
}
