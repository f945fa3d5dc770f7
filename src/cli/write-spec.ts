import { specId } from '../core/model/ids.ts';
import type { JsonObject, JsonValue } from '../core/model/objects.ts';
import { readObjects } from '../core/spec/decode-spec.ts';
import { SourceFile } from '../core/spec/finding.ts';
import { parseDocuments } from '../core/spec/parse-documents.ts';
import { convertDocuments, formOf, objectsOf } from '../core/write-spec/convert-spec.ts';
import { type NewSpec, newSpec } from '../core/write-spec/new-spec.ts';
import type { SpecForm } from '../core/write-spec/spec-form.ts';
import { syntaxOf, writeDocuments } from '../core/write-spec/write-documents.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';

export { formatSpec } from '../core/write-spec/format-spec.ts';

/** A file with its text. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** How a spec is to be written. `file` is where it goes: its ending tells the syntax; absent: JSON for envelopes, YAML for manifests. */
export interface SpecShape {
  readonly to: SpecForm | undefined;
  readonly file: string | undefined;
}

/** A text, or everything that keeps it from being written. */
export type WrittenSpec =
  | { readonly kind: 'ok'; readonly text: string }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

/** A spec in another format, the other one unless told. What is wrong with it is told instead. */
export function convertSpec(source: NamedText, { to, file }: SpecShape): WrittenSpec {
  const read = readDocuments(source);
  if (read.kind === 'failed') return read;
  const form = to ?? (formOf(read.documents) === 'envelope' ? 'manifests' : 'envelope');
  return { kind: 'ok', text: writeIn(form, convertDocuments(read.documents, form), file) };
}

/** The two files that become one spec. */
export interface JoinedFiles {
  readonly deployment: NamedText;
  readonly service: NamedText;
}

/** A Deployment and its Service in one spec, the ancestor's envelope unless told. What is wrong with either file is told instead. */
export function joinSpecs({ deployment, service }: JoinedFiles, { to = 'envelope', file }: Partial<SpecShape>): WrittenSpec {
  const given = [
    { ...deployment, kind: 'Deployment', flag: '-d' },
    { ...service, kind: 'Service', flag: '-s' },
  ].map((one) => ({ ...one, read: readDocuments(one) }));
  const unread = given.flatMap(({ read }) => (read.kind === 'failed' ? read.problems : []));
  if (unread.length > 0) return { kind: 'failed', problems: unread };
  const parts = given.map(({ read, ...one }) => ({ ...one, objects: read.kind === 'ok' ? read.documents.flatMap(objectsOf) : [] }));
  const problems = parts.flatMap((part) => strangers(part, parts));
  if (problems.length > 0) return { kind: 'failed', problems };
  const objects = parts.flatMap((part) => part.objects);
  return { kind: 'ok', text: writeIn(to, convertDocuments(objects, to), file) };
}

interface JoinedPart {
  readonly file: string;
  readonly kind: string;
  readonly flag: string;
  readonly objects: readonly JsonObject[];
}

/** Why a file is not what its flag says. */
function strangers({ file, kind, flag, objects }: JoinedPart, parts: readonly JoinedPart[]): readonly Problem[] {
  const [first] = objects;
  if (first === undefined || objects.some((object) => object['kind'] === kind)) return [];
  const found = String(first['kind']);
  const article = /^[AEIOU]/.test(found) ? 'an' : 'a';
  const swapped = parts.some((part) => part.flag !== flag && part.kind === found);
  const remedy = swapped ? 'Swap -d and -s.' : `Name a file with a ${kind} by ${flag}.`;
  return [problem('SPEC_INVALID_FIELD', `${file} is ${article} ${found}, not a ${kind}`, { remedy })];
}

/** A new spec of parts that are right (`faultOf`). */
export function makeSpec(wish: NewSpec, { to = 'manifests', file }: Partial<SpecShape>): string {
  const objects: readonly JsonObject[] = newSpec(wish);
  return writeIn(to, convertDocuments(objects, to), file);
}

const writeIn = (form: SpecForm, documents: readonly JsonValue[], file: string | undefined): string =>
  writeDocuments(documents, file === undefined || file === '-' ? (form === 'envelope' ? 'json' : 'yaml') : syntaxOf(file));

type Documents =
  | { readonly kind: 'ok'; readonly documents: readonly JsonValue[] }
  | { readonly kind: 'failed'; readonly problems: readonly Problem[] };

const OPTIONS = { defaultNamespace: 'default', namespaceFromFolder: false, root: '' };

function readDocuments({ file, text }: NamedText): Documents {
  const bytes = new TextEncoder().encode(text);
  const read = readObjects({ id: specId(file), blobId: '', content: { kind: 'bytes', bytes } }, OPTIONS);
  const problems = read.kind === 'unreadable' ? [read.problem] : read.problems.filter(({ severity }) => severity === 'error');
  if (problems.length > 0) return { kind: 'failed', problems };
  const { documents } = parseDocuments(text, new SourceFile(file, text), syntaxOf(file) === 'json');
  return { kind: 'ok', documents: documents.map(({ value }) => value) };
}
