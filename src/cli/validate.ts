import { createSchemaCheck, unpackKubernetesSchema } from '../adapters/schema/kubernetes-schema.ts';
import type { Config } from '../config/config.ts';
import { policyOf } from '../config/policy-of.ts';
import { specId } from '../core/model/ids.ts';
import type { SpecFile } from '../core/model/spec-set.ts';
import { type ValidationRules, validateSpecs } from '../core/validate/validate-specs.ts';
import type { ValidatedFiles, ValidateRequest } from './cli-io.ts';
import { isFolder, specFilesAt } from './spec-files.ts';

export { changesOf } from './watch-paths.ts';

/** What standard input is called where the name of a file is told. */
const STDIN = 'stdin';

/** Validates the files at some paths. Throws AppError when one cannot be read. */
export async function validatePaths(request: ValidateRequest): Promise<ValidatedFiles> {
  const { config, paths, stdin, cluster } = request;
  const named = paths.filter((path) => path !== '-');
  const { files } = await specFilesAt(named);
  const all = named.length < paths.length ? [...files, fileOfText(stdin())] : files;
  const isWhole = (await Promise.all(named.map(isFolder))).includes(true);
  const found = validateSpecs(all, rulesOf(config, isWhole));
  const texts = new Map<string, SpecFile>(all.map((file) => [file.id, file]));
  const refused = cluster ? await (await import('./check-on-cluster.ts')).checkOnCluster(all, request) : [];
  return { ...found, problems: [...found.problems, ...refused], textOf: (file) => showableText(texts.get(file)) };
}

const fileOfText = (text: string): SpecFile => ({
  id: specId(STDIN),
  blobId: STDIN,
  content: { kind: 'bytes', bytes: new TextEncoder().encode(text) },
});

function rulesOf(config: Config, isWhole: boolean): ValidationRules {
  const { defaultNamespace, namespaceFromFolder } = config.specs;
  return {
    decode: { defaultNamespace, namespaceFromFolder, root: config.git.root },
    schema: createSchemaCheck(unpackKubernetesSchema()),
    policy: policyOf(config),
    isWhole,
  };
}

/** Not that of a file with a Secret: what is shown here ends up in the logs of build servers. */
function showableText(file: SpecFile | undefined): string | undefined {
  if (file?.content.kind !== 'bytes') return undefined;
  const text = new TextDecoder().decode(file.content.bytes).replace(/^\uFEFF/, '');
  return /\bkind["']?\s*:\s*["']?secrets?\b|\bstringData\b|\bsecrets["']?\s*:/i.test(text) ? undefined : text;
}
