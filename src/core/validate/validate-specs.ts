import type { Problem, ProblemCode } from '../../shared/problem.ts';
import { byBytes } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import type { SchemaCheck } from '../model/schema-check.ts';
import type { SpecFile } from '../model/spec-set.ts';
import { UNNAMED } from '../spec/decode-object.ts';
import { byPlace, type DecodeOptions, readObjects } from '../spec/decode-spec.ts';
import type { Finding } from '../spec/finding.ts';
import { checkPods } from './check-pods.ts';
import { checkRoutes } from './check-routes.ts';
import { asMeant, schemaFindings } from './check-schema.ts';
import { checkServerRules } from './check-server-rules.ts';
import { checkTags } from './check-tags.ts';
import { checkClaims, checkConsulNames, checkDependencies, checkNamespaces } from './check-tree.ts';
import { checkV1Frontends } from './check-v1-frontends.ts';
import { type PlacedObject, placeObject } from './placed-object.ts';

/** What files are validated by. */
export interface ValidationRules {
  readonly decode: DecodeOptions;
  /** Undefined: the form of objects is not looked at beyond what the daemon itself reads. */
  readonly schema: SchemaCheck | undefined;
  readonly policy: Policy;
  /** True when these are all files there are: then what is missing from them is missing. */
  readonly isWhole: boolean;
}

/** Everything that is wrong with some files, in the order of their paths and texts. */
export interface Validation {
  readonly files: number;
  /** Also those that do not say what they are. */
  readonly objects: number;
  readonly problems: readonly Problem[];
}

/**
 * Validates spec files in all layers at once (docs/specs.md): syntax, envelope, the schema of Kubernetes, our annotations, the tags of Traefik,
 * rules across files. A file that is broken takes part with the objects that it does hold.
 */
export function validateSpecs(files: readonly SpecFile[], rules: ValidationRules): Validation {
  const ordered = [...files].sort((a, b) => byBytes(a.id, b.id));
  const read = ordered.map((file) => validateFile(file, rules));
  const objects = read.flatMap((file) => file.objects);
  const { policy } = rules;
  const services = checkTags(objects, policy);
  // Two objects without a name are not the same one.
  const named = objects.filter(({ name }) => name !== UNNAMED);
  const across = [
    ...services.flatMap(({ problems }) => problems),
    ...checkRoutes(services, policy),
    ...checkV1Frontends(services, policy),
    ...checkPods(objects, rules.isWhole),
    ...checkClaims(named),
    ...checkConsulNames(named),
    ...(rules.isWhole && !policy.createNamespaces ? checkNamespaces(objects, [rules.decode.defaultNamespace]) : []),
    ...(rules.isWhole
      ? checkDependencies(
          objects,
          ordered.map(({ id }) => id),
        )
      : []),
  ];
  const problems = withoutRepetitions([...read.flatMap((file) => file.problems), ...across]).sort(byFile);
  return { files: files.length, objects: read.reduce((sum, { count }) => sum + count, 0), problems };
}

/** What is looked at of every object, also of one that does not say what it is. */
type WrittenPart = Pick<PlacedObject, 'written' | 'problemOf'>;

const IDENTITY_CODES: ReadonlySet<string> = new Set<ProblemCode>(['SPEC_MISSING_FIELD', 'SPEC_INVALID_FIELD']);

interface ValidatedFile {
  readonly objects: readonly PlacedObject[];
  readonly count: number;
  readonly problems: readonly Problem[];
}

function validateFile(file: SpecFile, { decode, schema }: ValidationRules): ValidatedFile {
  const read = readObjects(file, decode);
  if (read.kind === 'unreadable') return { objects: [], count: 0, problems: [read.problem] };
  const objects = read.objects.map((object) => placeObject(file.id, read.source, object));
  const written: readonly WrittenPart[] = [
    ...objects,
    ...read.others.map(({ upgraded, document, path }) => ({
      written: upgraded,
      problemOf: (finding: Finding) => read.source.problemOf(document, { ...finding, path: [...path, ...finding.path] }),
    })),
  ];
  const checked = written.map((part) => checkForm(part, schema));
  const form = checked.flatMap((one) => one.form);
  // The schema knows all kinds, and so what was meant.
  const better = new Set(form.filter(({ code }) => code === 'KUBERNETES_UNKNOWN_KIND').map(placeOf));
  const problems = read.problems.filter((problem) => !(IDENTITY_CODES.has(problem.code) && better.has(placeOf(problem))));
  // A later layer tells once more, in other words, what an earlier one has found.
  const add = (found: readonly Problem[]): void => {
    const told = new Set(problems.map(placeOf));
    problems.push(...found.filter((problem) => !told.has(placeOf(problem))));
  };
  add(form);
  add(checked.flatMap(({ meant }) => checkServerRules(meant).map(meant.problemOf)));
  return { objects, count: read.count, problems };
}

/** What the schema says of an object, and the object as it is meant: one of a kind that is nearly known is checked as that one, too. */
function checkForm(part: WrittenPart, schema: SchemaCheck | undefined): { readonly form: readonly Problem[]; readonly meant: WrittenPart } {
  const formOf = ({ written, problemOf }: WrittenPart): readonly Problem[] =>
    schema === undefined ? [] : schemaFindings(written, schema).map(problemOf);
  const form = formOf(part);
  if (schema === undefined || !form.some(({ code }) => code === 'KUBERNETES_UNKNOWN_KIND')) return { form, meant: part };
  const meant: WrittenPart = { ...part, written: asMeant(part.written, schema) };
  return meant.written === part.written ? { form, meant } : { form: [...form, ...formOf(meant)], meant };
}

const placeOf = ({ where }: Problem): string => `${where?.line}:${where?.column}:${where?.path}`;

const byFile = (a: Problem, b: Problem): number => byBytes(a.where?.file ?? '', b.where?.file ?? '') || byPlace(a, b);

function withoutRepetitions(problems: readonly Problem[]): Problem[] {
  const byText = new Map(
    problems.map((problem) => [`${problem.where?.file}:${placeOf(problem)}:${problem.code}:${problem.message}`, problem]),
  );
  return [...byText.values()];
}
