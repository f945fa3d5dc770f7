import { specId } from '../core/model/ids.ts';
import type { JsonObject, JsonValue } from '../core/model/objects.ts';
import { readObjects } from '../core/spec/decode-spec.ts';
import { SourceFile } from '../core/spec/finding.ts';
import { isDnsLabel } from '../core/spec/names.ts';
import { parseDocuments } from '../core/spec/parse-documents.ts';
import { convertDocuments, formOf, objectsOf, type SpecForm } from '../core/write-spec/convert-spec.ts';
import { type NewSpec, newSpec } from '../core/write-spec/new-spec.ts';
import { syntaxOf, writeDocuments } from '../core/write-spec/write-documents.ts';
import { AppError } from '../shared/errors.ts';
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

/** The objects of several files in one spec, the ancestor's envelope unless told: those of the first file stand first. */
export function joinSpecs(sources: readonly NamedText[], { to = 'envelope', file }: Partial<SpecShape>): WrittenSpec {
  const all = sources.map(readDocuments);
  const problems = all.flatMap((read) => (read.kind === 'failed' ? read.problems : []));
  if (problems.length > 0) return { kind: 'failed', problems };
  const documents = all.flatMap((read): readonly JsonValue[] => (read.kind === 'ok' ? read.documents.flatMap(objectsOf) : []));
  return { kind: 'ok', text: writeIn(to, convertDocuments(documents, to), file) };
}

/** A new spec; throws AppError where a part of it cannot be. */
export function makeSpec(wish: NewSpec, { to = 'manifests', file }: Partial<SpecShape>): string {
  for (const [what, value] of [
    ['name', wish.name],
    ['namespace', wish.namespace],
  ] as const) {
    if (value === undefined || isDnsLabel(value)) continue;
    const remedy = 'Write at most 63 lower case letters, digits and "-", the first and the last no "-".';
    throw new AppError(problem('SPEC_INVALID_FIELD', `the ${what} ${JSON.stringify(value)} is none that Kubernetes takes`, { remedy }));
  }
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
