import type { JsonObject, JsonValue } from '../model/objects.ts';
import { nearest, remedyFor } from './did-you-mean.ts';
import type { Finding } from './finding.ts';
import { asList, asObject, typeName } from './json.ts';
import { isDnsLabel } from './names.ts';
import type { Path } from './places.ts';

/** One Kubernetes object as written, before anything is known about it. */
export interface RawObject {
  readonly value: JsonObject;
  /** From the root of its document. */
  readonly path: Path;
  /** The envelope's, if it stands in one that names one. */
  readonly namespace: string | undefined;
}

/** The objects of one document, and what is wrong with what stands around them. */
export interface SplitDocument {
  readonly objects: readonly RawObject[];
  readonly findings: readonly Finding[];
}

const ENVELOPE_KEYS = ['id', 'namespace', 'objects'];

/** Recognises the format of a document by its content and takes it apart: an envelope, one object, a `kind: List` or a list. */
export function splitObjects(document: JsonValue): SplitDocument {
  const mapping = asObject(document);
  if (mapping === undefined || 'kind' in mapping || 'apiVersion' in mapping) return splitManifests(document, [], undefined);
  const keys = Object.keys(mapping);
  if (keys.includes('objects') || keys.some((key) => nearest(key, ['objects']) !== undefined)) return splitEnvelope(mapping);
  return refuse(
    'SPEC_UNKNOWN_FORMAT',
    [],
    keys.length === 0
      ? 'the document is empty'
      : `a document with the keys ${keys.slice(0, 5).join(', ')} is neither a Kubernetes object nor an envelope`,
  );
}

const refuse = (code: Finding['code'], path: Path, message: string): SplitDocument => ({
  objects: [],
  findings: [{ code, path, message }],
});

const join = (parts: readonly SplitDocument[]): SplitDocument => ({
  objects: parts.flatMap((part) => part.objects),
  findings: parts.flatMap((part) => part.findings),
});

function splitManifests(value: JsonValue, path: Path, namespace: string | undefined): SplitDocument {
  const list = asList(value);
  if (list !== undefined) return join(list.map((item, index) => splitManifests(item, [...path, index], namespace)));
  const mapping = asObject(value);
  if (mapping === undefined) {
    const code = path.length === 0 ? 'SPEC_UNKNOWN_FORMAT' : 'SPEC_INVALID_FIELD';
    return refuse(code, path, `a Kubernetes object is expected here, not ${typeName(value)}`);
  }
  const kind = mapping['kind'];
  // `kubectl get -o yaml` writes `List`, the API server `DeploymentList` and so on. A custom kind may end in List without items.
  if (kind === 'List' || (typeof kind === 'string' && kind.endsWith('List') && 'items' in mapping)) {
    const items = mapping['items'];
    if (items === undefined) return refuse('SPEC_MISSING_FIELD', [...path, 'items'], 'the List has no items');
    if (asList(items) === undefined)
      return refuse('SPEC_INVALID_FIELD', [...path, 'items'], `items must be a list, not ${typeName(items)}`);
    return splitManifests(items, [...path, 'items'], namespace);
  }
  return { objects: [{ value: mapping, path, namespace }], findings: [] };
}

function splitEnvelope(envelope: JsonObject): SplitDocument {
  const findings: Finding[] = [];
  for (const key of Object.keys(envelope)) {
    if (ENVELOPE_KEYS.includes(key)) continue;
    const remedy = remedyFor(key, ENVELOPE_KEYS);
    findings.push({ code: 'SPEC_UNKNOWN_FIELD', path: [key], at: 'key', message: `an envelope has no field "${key}"`, remedy });
  }
  const id = envelope['id'];
  const namespace = envelope['namespace'];
  const objects = envelope['objects'];
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    findings.push({ code: 'SPEC_INVALID_FIELD', path: ['id'], message: `the id must be a string, not ${typeName(id)}` });
  }
  const named = namespace === '' ? undefined : namespace;
  const valid = typeof named === 'string' && isDnsLabel(named);
  if (named !== undefined && !valid) {
    findings.push({
      code: 'SPEC_INVALID_FIELD',
      path: ['namespace'],
      message: 'the namespace must be a name in lower case letters, digits and "-"',
    });
  }
  if (objects === undefined) findings.push({ code: 'SPEC_MISSING_FIELD', path: ['objects'], message: 'the envelope has no objects' });
  const inside = objects === undefined ? [] : [splitSections(objects, valid ? named : undefined)];
  return join([{ objects: [], findings }, ...inside]);
}

/** The sections of an envelope: `deployments: {specification: …}` and so on, under any plural kind. */
function splitSections(objects: JsonValue, namespace: string | undefined): SplitDocument {
  const sections = asObject(objects);
  if (sections === undefined) return refuse('SPEC_INVALID_FIELD', ['objects'], `objects must be a mapping, not ${typeName(objects)}`);
  return join(Object.entries(sections).map(([plural, section]) => splitSection(section, ['objects', plural], namespace)));
}

function splitSection(section: JsonValue, path: Path, namespace: string | undefined): SplitDocument {
  const mapping = asObject(section);
  if (mapping === undefined) {
    return refuse('SPEC_INVALID_FIELD', path, `a mapping with the key "specification" is expected here, not ${typeName(section)}`);
  }
  const specification = mapping['specification'];
  const strangers = Object.keys(mapping).filter((key) => key !== 'specification');
  if (specification === undefined) {
    const isObject = 'kind' in mapping || 'apiVersion' in mapping;
    const message = isObject ? 'the object must stand under the key "specification"' : 'there is no specification here';
    if (isObject || strangers.length === 0) return refuse('SPEC_MISSING_FIELD', [...path, 'specification'], message);
  }
  const findings = strangers.map((key): Finding => {
    const message = `only "specification" may stand here, not "${key}"`;
    return { code: 'SPEC_UNKNOWN_FIELD', path: [...path, key], at: 'key', message, remedy: remedyFor(key, ['specification']) };
  });
  const inside = specification === undefined ? [] : [splitManifests(specification, [...path, 'specification'], namespace)];
  return join([{ objects: [], findings }, ...inside]);
}
