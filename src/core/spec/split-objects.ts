import type { JsonObject, JsonValue } from '../model/objects.ts';
import { nearest, remedyFor } from './did-you-mean.ts';
import type { Finding } from './finding.ts';
import { asList, asObject, typeName } from './json.ts';
import { isDnsLabel } from './names.ts';
import type { Path } from './places.ts';
import { kindOfSection, pluralOf } from './section-kinds.ts';

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
  if (keys.length === 0) return refuse('SPEC_UNKNOWN_FORMAT', [], 'the document is empty');
  const message = `a document with the keys ${keys.slice(0, 5).join(', ')} is neither a Kubernetes object nor an envelope`;
  return { objects: [], findings: [{ code: 'SPEC_UNKNOWN_FORMAT', path: [], message, ...formatRemedy(keys) }] };
}

function formatRemedy(keys: readonly string[]): Pick<Finding, 'remedy'> {
  const fields = ['apiVersion', 'kind'].filter((field) => nearest(field, keys) === undefined);
  const isObject = fields.length < 2 || keys.some((key) => ['metadata', 'spec', 'data'].includes(key));
  if (isObject && fields.length > 0) return { remedy: `Write ${fields.join(' and ')}.` };
  if (isObject) return { remedy: 'Write the keys as apiVersion and kind.' };
  return keys.some((key) => kindOfSection(key) !== undefined) ? { remedy: 'Put what stands here under the key "objects".' } : {};
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
  const near = Object.keys(envelope).find((key) => nearest(key, ['objects']) !== undefined);
  const written = 'objects' in envelope ? 'objects' : near;
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
  const held = written === undefined ? undefined : envelope[written];
  const inside = written === undefined || held === undefined ? [] : [splitSections(held, written, valid ? named : undefined)];
  return join([{ objects: [], findings }, ...inside]);
}

/** The sections of an envelope: `deployments: {specification: …}` and so on, under any plural kind. */
function splitSections(objects: JsonValue, key: string, namespace: string | undefined): SplitDocument {
  const sections = asObject(objects);
  if (sections === undefined) return refuse('SPEC_INVALID_FIELD', [key], `objects must be a mapping, not ${typeName(objects)}`);
  return join(
    Object.entries(sections).map(([plural, section]) => {
      const split = splitSection(section, [key, plural], namespace);
      return { objects: split.objects, findings: [...split.findings, ...split.objects.flatMap((object) => otherKind(object, plural))] };
    }),
  );
}

/** The daemon goes by what the object says; where its key says something else, one of the two is a mistake. */
function otherKind({ value: { kind }, path }: RawObject, plural: string): readonly Finding[] {
  const expected = kindOfSection(plural);
  if (expected === undefined || typeof kind !== 'string' || kind.toLowerCase() === expected.toLowerCase()) return [];
  const message = `a ${kind} stands under "${plural}"`;
  const remedy = `Put it under "${pluralOf(kind)}", or write kind: ${expected} where that is meant.`;
  return [{ code: 'SPEC_INVALID_FIELD', path: [...path, 'kind'], message, remedy, severity: 'warning' }];
}

/** True for an object, and for a list of some. */
function saysWhatItIs(value: JsonValue | undefined): boolean {
  const mapping = asObject(asList(value)?.[0] ?? value);
  return mapping !== undefined && ('kind' in mapping || 'apiVersion' in mapping);
}

function splitSection(section: JsonValue, path: Path, namespace: string | undefined): SplitDocument {
  const mapping = asObject(section);
  if (mapping === undefined) {
    return refuse('SPEC_INVALID_FIELD', path, `a mapping with the key "specification" is expected here, not ${typeName(section)}`);
  }
  const specification = mapping['specification'];
  const strangers = Object.keys(mapping).filter((key) => key !== 'specification');
  if (specification === undefined) {
    const isObject = saysWhatItIs(mapping);
    const message = isObject ? 'the object must stand under the key "specification"' : 'there is no specification here';
    const missing: Finding = { code: 'SPEC_MISSING_FIELD', path: [...path, 'specification'], message };
    // Where the object stands is clear, so that its other mistakes can be told, too.
    if (isObject || strangers.length === 0) return { objects: isObject ? [{ value: mapping, path, namespace }] : [], findings: [missing] };
  }
  const findings = strangers.map((key): Finding => {
    const message = `only "specification" may stand here, not "${key}"`;
    const isMeant = specification === undefined && strangers.length === 1 && nearest(key, ['specification']) === undefined;
    const remedy = isMeant ? 'Write "specification" instead.' : remedyFor(key, ['specification']);
    return { code: 'SPEC_UNKNOWN_FIELD', path: [...path, key], at: 'key', message, remedy };
  });
  const [held = 'specification'] = specification === undefined ? strangers.filter((key) => saysWhatItIs(mapping[key])) : [];
  const content = mapping[held];
  const inside = content === undefined ? [] : [splitManifests(content, [...path, held], namespace)];
  return join([{ objects: [], findings }, ...inside]);
}
