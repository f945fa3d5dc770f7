import type { JsonObject, JsonValue } from '../model/objects.ts';
import type { Finding } from '../spec/finding.ts';
import { asObject, valueAt } from '../spec/json.ts';
import { isDnsLabel } from '../spec/names.ts';
import type { Path } from '../spec/places.ts';
import { containerLists, itemsAt } from '../spec/pod-specs.ts';
import { portNameFinding } from './port-name.ts';

/** A container, and the way to it. */
interface Container {
  readonly item: JsonObject;
  readonly path: Path;
}

/** What every API server refuses of containers, and ports that their probes name in vain (Kubernetes: `ValidatePodSpec`). */
export function containerFindings(object: JsonObject, podSpec: readonly string[]): readonly Finding[] {
  const containers = containerLists(object).flatMap((keys) => itemsAt(object, keys));
  const volumes = volumeNames(object, podSpec);
  return [
    ...names(containers),
    ...containers.flatMap((container) => [
      ...imageForm(container),
      ...environment(container),
      ...portNames(container),
      ...mounts(container, volumes),
      ...handlers(container),
      ...oneHandler(container),
    ]),
  ];
}

/** The schema tells of a name twice in one list; init containers are in another one. */
function names(containers: readonly Container[]): readonly Finding[] {
  const lists = new Map<JsonValue, string>();
  return containers.flatMap(({ item: { name }, path }): readonly Finding[] => {
    if (typeof name !== 'string') return [];
    const list = path.slice(0, -1).join('.');
    const at = [...path, 'name'];
    if (!isDnsLabel(name)) {
      const remedy = 'Use at most 63 lower case letters, digits and "-", with a letter or digit at both ends.';
      return [{ code: 'SPEC_INVALID_FIELD', path: at, message: `no container can be called ${JSON.stringify(name.slice(0, 80))}`, remedy }];
    }
    const earlier = lists.get(name);
    lists.set(name, list);
    if (earlier === undefined || earlier === list) return [];
    return [{ code: 'SPEC_INVALID_FIELD', path: at, message: 'an init container and a container have the same name' }];
  });
}

/** The API server takes it in a template, and the kubelet never gets such an image. */
function imageForm({ item: { image }, path }: Container): readonly Finding[] {
  if (typeof image !== 'string' || !/\s/.test(image)) return [];
  const message = 'no image has a name with blanks in it: the container will not start';
  return [{ code: 'SPEC_INVALID_FIELD', path: [...path, 'image'], message, remedy: 'Remove the blanks.', severity: 'warning' }];
}

function environment({ item, path }: Container): readonly Finding[] {
  return itemsAt(item, ['env']).flatMap(({ item: { name, value, valueFrom }, path: inner }): readonly Finding[] => {
    const at = [...path, ...inner];
    const bad = typeof name === 'string' && (name === '' || name.includes('='));
    const isBoth = typeof value === 'string' && value !== '' && asObject(valueFrom) !== undefined;
    return [
      ...(bad
        ? [{ code: 'SPEC_INVALID_FIELD', path: [...at, 'name'], message: 'the name of a variable is empty, or holds "="' } as const]
        : []),
      ...(isBoth
        ? [{ code: 'SPEC_INVALID_FIELD', path: [...at, 'valueFrom'], message: 'a variable has either value or valueFrom' } as const]
        : []),
    ];
  });
}

function portNames({ item, path }: Container): readonly Finding[] {
  const seen = new Set<string>();
  return itemsAt(item, ['ports']).flatMap(({ item: { name }, path: inner }) => {
    if (typeof name !== 'string' || name === '') return [];
    const at = [...path, ...inner, 'name'];
    const isRepeated = seen.has(name);
    seen.add(name);
    const again: Finding = { code: 'SPEC_INVALID_FIELD', path: at, message: 'an earlier port of the container has the same name' };
    return [...portNameFinding(name, at), ...(isRepeated ? [again] : [])];
  });
}

/** Those of the pod, and those that a StatefulSet makes of its claims. */
function volumeNames(object: JsonObject, podSpec: readonly string[]): ReadonlySet<JsonValue | undefined> {
  const claims = itemsAt(object, ['spec', 'volumeClaimTemplates']).map(({ item }) => valueAt(item, ['metadata', 'name']));
  return new Set([...itemsAt(object, [...podSpec, 'volumes']).map(({ item }) => item['name']), ...claims]);
}

function mounts({ item, path }: Container, volumes: ReadonlySet<JsonValue | undefined>): readonly Finding[] {
  const known = [...volumes].filter((name) => typeof name === 'string');
  const remedy =
    known.length === 0
      ? 'Write the volume in `volumes` of the pod.'
      : `Write the volume in \`volumes\` of the pod; there are: ${known.join(', ')}.`;
  return ['volumeMounts', 'volumeDevices'].flatMap((field) =>
    itemsAt(item, [field])
      .filter(({ item: { name } }) => typeof name === 'string' && !volumes.has(name))
      .map(({ path: inner }): Finding => {
        return { code: 'SPEC_INVALID_FIELD', path: [...path, ...inner, 'name'], message: 'the pod has no volume of this name', remedy };
      }),
  );
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle.postStart', 'lifecycle.preStop'];
const PORT_HOLDERS = ['httpGet', 'tcpSocket', 'grpc'];

const HANDLERS = ['httpGet', 'tcpSocket', 'grpc', 'exec', 'sleep'];

/** A probe, or a hook, has one way to do it. */
function oneHandler({ item, path }: Container): readonly Finding[] {
  return PROBES.flatMap((probe): readonly Finding[] => {
    const keys = probe.split('.');
    const found = asObject(valueAt(item, keys));
    if (found === undefined) return [];
    const ways = HANDLERS.filter((way) => asObject(found[way]) !== undefined);
    if (ways.length === 1) return [];
    const message = ways.length === 0 ? 'it does not say what to try' : `${ways.join(' and ')} exclude each other`;
    const remedy = ways.length === 0 ? 'Write httpGet, tcpSocket, grpc or exec.' : 'Keep one of them.';
    return [{ code: 'SPEC_INVALID_FIELD', path: [...path, ...keys], message, remedy }];
  });
}

function handlers({ item, path }: Container): readonly Finding[] {
  const ports = new Set(itemsAt(item, ['ports']).map((port) => port.item['name']));
  return PROBES.flatMap((probe) => PORT_HOLDERS.map((holder) => [...probe.split('.'), holder, 'port'])).flatMap(
    (keys): readonly Finding[] => {
      const port = valueAt(item, keys);
      const at = [...path, ...keys];
      if (typeof port === 'number' && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
        return [{ code: 'SPEC_INVALID_FIELD', path: at, message: 'port must be a whole number from 1 to 65535' }];
      }
      if (typeof port !== 'string') return [];
      const form = portNameFinding(port, at);
      if (form.length > 0 || ports.has(port)) return form;
      const message = `the container has no port called "${port}"`;
      return [
        {
          code: 'SPEC_TARGET_PORT_MISSING',
          path: at,
          message,
          remedy: 'Write the port in `ports` of the container, or its number here.',
          severity: 'warning',
        },
      ];
    },
  );
}
