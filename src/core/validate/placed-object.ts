import type { Problem } from '../../shared/problem.ts';
import type { ObjectKey, SpecId } from '../model/ids.ts';
import { groupKindOf, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, KubernetesObject, SpecObject } from '../model/objects.ts';
import type { ReadObject } from '../spec/decode-spec.ts';
import type { Finding, SourceFile } from '../spec/finding.ts';
import { asObject } from '../spec/json.ts';

/** An object of a file, and how to point at a part of it. */
export interface PlacedObject {
  readonly file: SpecId;
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  readonly decoded: SpecObject;
  /** Empty for objects of the cluster. */
  readonly namespace: string;
  readonly name: string;
  /** Those that are strings. */
  readonly annotations: Readonly<Record<string, string>>;
  /** False when its namespace or an annotation is no text. */
  readonly isSound: boolean;
  /** As written, in the API version that it was upgraded to. */
  readonly written: JsonObject;
  readonly problemOf: (finding: Finding) => Problem;
}

/** The object may be one that is wrong in every other way than to say what it is. */
export function placeObject(file: SpecId, source: SourceFile, { object, upgraded, document, path }: ReadObject): PlacedObject {
  const { name, namespace = '', annotations } = object.object.metadata;
  const all = Object.entries(asObject(annotations) ?? {});
  const entries = all.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return {
    file,
    key: object.key,
    object: object.object,
    decoded: object,
    namespace: typeof namespace === 'string' ? namespace : '',
    name,
    annotations: Object.fromEntries(entries),
    isSound: typeof namespace === 'string' && entries.length === all.length,
    written: upgraded,
    problemOf: (finding) => source.problemOf(document, { ...finding, path: [...path, ...finding.path] }),
  };
}

export const isService = ({ object }: PlacedObject): boolean => groupKindOf(object.apiVersion, object.kind) === SERVICE_KIND;

/** The `spec` of an object; empty when it has none. */
export const specOf = ({ written }: PlacedObject): JsonObject => asObject(written['spec']) ?? {};

/** `prod/web`, as people name an object of a namespace. */
export const nameOf = ({ namespace, name }: PlacedObject): string => `${namespace}/${name}`;
