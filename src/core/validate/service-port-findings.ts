import type { JsonObject, JsonValue } from '../model/objects.ts';
import type { Finding } from '../spec/finding.ts';
import { valueAt } from '../spec/json.ts';
import { isDnsLabel } from '../spec/names.ts';
import { itemsAt } from '../spec/pod-specs.ts';
import { portNameFinding } from './port-name.ts';

/** The range that an API server gives NodePorts from when it is told no other. */
const NODE_PORTS = { first: 30_000, last: 32_767 } as const;

/** Names of a Service's ports, and NodePorts that it cannot have (Kubernetes: `ValidateService`). */
export function servicePortFindings(service: JsonObject): readonly Finding[] {
  const type = valueAt(service, ['spec', 'type']);
  return itemsAt(service, ['spec', 'ports']).flatMap(({ item, path }) => {
    const { name, nodePort, targetPort } = item;
    const badName: Finding = {
      code: 'SPEC_INVALID_FIELD',
      path: [...path, 'name'],
      message: 'the name of a port has at most 63 lower case letters, digits and "-", with a letter or digit at both ends',
    };
    return [
      ...(typeof name === 'string' && name !== '' && !isDnsLabel(name) ? [badName] : []),
      ...(typeof targetPort === 'string' ? portNameFinding(targetPort, [...path, 'targetPort']) : []),
      ...nodePortFindings(nodePort, type).map((finding) => ({ ...finding, path: [...path, 'nodePort'] })),
    ];
  });
}

function nodePortFindings(nodePort: JsonValue | undefined, type: JsonValue | undefined): readonly Finding[] {
  if (typeof nodePort !== 'number' || nodePort === 0) return [];
  if (type === undefined || type === 'ClusterIP') {
    const remedy = 'Write type: NodePort, or remove nodePort.';
    return [{ code: 'SPEC_INVALID_FIELD', path: [], message: 'a Service of type ClusterIP has no nodePort', remedy }];
  }
  if (nodePort >= NODE_PORTS.first && nodePort <= NODE_PORTS.last) return [];
  const message = `nodePort is outside ${NODE_PORTS.first}-${NODE_PORTS.last}, the range of every API server that is not told another`;
  const remedy = 'Take a number of the range, or leave nodePort out: the API server then finds a free one.';
  return [{ code: 'SPEC_INVALID_FIELD', path: [], message, remedy, severity: 'warning' }];
}
