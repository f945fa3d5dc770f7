import { createSchemaCheck, unpackKubernetesSchema } from '../adapters/schema/kubernetes-schema.ts';
import type { Config } from '../config/config.ts';
import { policyOf } from '../config/policy-of.ts';
import { specId } from '../core/model/ids.ts';
import type { SpecFile } from '../core/model/spec-set.ts';
import type { DecodeOptions } from '../core/spec/decode-spec.ts';
import { notYetTold } from '../core/validate/not-yet-told.ts';
import { placeRefusals } from '../core/validate/place-refusals.ts';
import { validateSpecs } from '../core/validate/validate-specs.ts';
import type { Problem } from '../shared/problem.ts';
import type { ValidatedFiles, ValidateRequest } from './cli-io.ts';
import { findSpecFiles, isFolder } from './spec-files.ts';
import { unreadableFile } from './unreadable-file.ts';

export { changesOf } from './watch-paths.ts';

/** What standard input is called where the name of a file is told. */
const STDIN = 'stdin';

/** Validates the files at some paths. One that cannot be read is a finding among the others. */
export async function validatePaths(request: ValidateRequest): Promise<ValidatedFiles> {
  const { config, paths, stdin, cluster, signal } = request;
  const named = paths.filter((path) => path !== '-');
  const { files, unreadable } = await findSpecFiles(named, signal);
  const all = named.length < paths.length ? [...files, fileOfText(await stdin())] : files;
  // Something of a whole that cannot be read is there all the same.
  const isWhole = unreadable.length === 0 && (await Promise.all(named.map(isFolder))).includes(true);
  const asked = cluster ? await askCluster(all, request) : NOT_ASKED;
  const decode = decodeOptionsOf(config);
  const found = validateSpecs(all, { decode, schema: asked.schema(), policy: policyOf(config), isWhole });
  const texts = new Map<string, SpecFile>(all.map((file) => [file.id, file]));
  return {
    ...found,
    problems: [
      ...unreadable.map(findingOf),
      ...found.problems,
      ...asked.problems,
      ...placeRefusals(notYetTold(asked.refusals, found.problems), texts, decode),
    ],
    textOf: (file) => showableText(texts.get(file)),
  };
}

const NOT_ASKED = { schema: () => createSchemaCheck(unpackKubernetesSchema()), refusals: [], problems: [] } as const;

async function askCluster(files: readonly SpecFile[], request: ValidateRequest) {
  const { checkOnCluster } = await import('./check-on-cluster.ts');
  const decode = decodeOptionsOf(request.config);
  const { schema, ...answer } = await checkOnCluster(files, { ...request, decode, known: unpackKubernetesSchema() });
  return { ...answer, schema: () => schema };
}

function findingOf({ path, cause }: { readonly path: string; readonly cause: unknown }): Problem {
  return { ...unreadableFile(path, cause).problem, where: { file: path, line: 1, column: 1, path: '' } };
}

const fileOfText = (text: string): SpecFile => ({
  id: specId(STDIN),
  blobId: STDIN,
  content: { kind: 'bytes', bytes: new TextEncoder().encode(text) },
});

const decodeOptionsOf = ({ specs: { defaultNamespace, namespaceFromFolder }, git: { root } }: Config): DecodeOptions => ({
  defaultNamespace,
  namespaceFromFolder,
  root,
});

/** Not that of a file with a Secret: what is shown here ends up in the logs of build servers. */
function showableText(file: SpecFile | undefined): string | undefined {
  if (file?.content.kind !== 'bytes') return undefined;
  const text = new TextDecoder().decode(file.content.bytes).replace(/^\uFEFF/, '');
  return /\bkind["']?\s*:\s*["']?secrets?\b|\bstringData\b|\bsecrets["']?\s*:/i.test(text) ? undefined : text;
}
