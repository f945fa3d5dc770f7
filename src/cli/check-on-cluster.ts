import { createKubeClient } from '../adapters/kubernetes/kube-client.ts';
import { type OpenApiAnswer, readOpenApi } from '../adapters/kubernetes/read-openapi.ts';
import { createSchemaCheck, groupsOf, type KubernetesSchema } from '../adapters/schema/kubernetes-schema.ts';
import { type OpenApiDocument, trimOpenApi } from '../adapters/schema/trim-openapi.ts';
import { connectionOf } from '../connections.ts';
import type { SchemaCheck } from '../core/model/schema-check.ts';
import type { SpecFile, SpecFiles } from '../core/model/spec-set.ts';
import type { RunReport } from '../core/report/run-report.ts';
import type { DecodeOptions } from '../core/spec/decode-spec.ts';
import { apiVersionsOf } from '../core/validate/api-versions-of.ts';
import type { Refusal } from '../core/validate/not-yet-told.ts';
import { planOnce } from '../once.ts';
import { errorText } from '../shared/errors.ts';
import { type Problem, problem } from '../shared/problem.ts';
import type { ValidateRequest } from './cli-io.ts';
import { specFilesOf } from './spec-files.ts';

/** What a cluster says of some files. */
interface ClusterAnswer {
  /** By the schema of the cluster itself; undefined when it tells none. */
  readonly schema: SchemaCheck | undefined;
  readonly refusals: readonly Refusal[];
  /** Why something was not asked or not answered; without a place. */
  readonly problems: readonly Problem[];
}

interface ClusterRequest extends ValidateRequest {
  readonly decode: DecodeOptions;
  /** The schema that comes with the program. */
  readonly known: KubernetesSchema;
}

/** Reads the schema of a cluster, as far as the files need it, and what its API server refuses of them. Writes nothing. */
export async function checkOnCluster(files: readonly SpecFile[], request: ClusterRequest): Promise<ClusterAnswer> {
  const [read, { refusals, silent }] = await Promise.all([readSchema(files, request), tryOnServer(files, request)]);
  if (read.kind === 'read') return { schema: read.check, refusals, problems: silent };
  // Of an API server that does not answer nobody needs to know that its schema is missing, too.
  const isSilent = silent.some(({ code }) => code === 'KUBERNETES_UNAVAILABLE');
  return { schema: undefined, refusals, problems: isSilent ? silent : [read.problem, ...silent] };
}

async function readSchema(files: readonly SpecFile[], { config, io, signal, decode, known }: ClusterRequest) {
  const client = createKubeClient({ connection: connectionOf(config, io), allowCommands: config.kubernetes.allowExec });
  try {
    const answer = await readOpenApi(client, apiVersionsOf(files, decode), signal);
    if (answer.kind === 'unreadable') return answer;
    return checkOf(answer, known);
  } finally {
    await client.close();
  }
}

/** A definition in the files may be about to bring kinds and versions: all are known only of the groups of Kubernetes itself. */
function checkOf({ documents, release }: Extract<OpenApiAnswer, { kind: 'read' }>, known: KubernetesSchema) {
  try {
    const schema = trimOpenApi(documents as readonly OpenApiDocument[], release);
    return { kind: 'read', check: createSchemaCheck(schema, groupsOf(known), known.kinds) } as const;
  } catch (error) {
    // API servers that are aggregated write their own.
    const message = `the schema of the cluster is malformed: ${errorText(error)}`;
    return { kind: 'unreadable', problem: problem('KUBERNETES_NO_SCHEMA', message) } as const;
  }
}

/**
 * The files are planned as if they were the repository, and what would be applied is tried by dry runs. What the cluster has already is in
 * step, and needs no trying.
 */
async function tryOnServer(files: readonly SpecFile[], { config, io, signal }: ClusterRequest) {
  const { report } = await planOnce(config, { ...io, check: true, source: sourceOf(specFilesOf(files)) }, signal);
  const refusals = report.specs.flatMap(({ id, problems }) =>
    problems.filter(isOfCluster).map((problem): Refusal => ({ file: id, problem })),
  );
  return { refusals, silent: unavailable(report) };
}

const isOfCluster = ({ code, severity }: Problem): boolean =>
  severity === 'error' && code !== 'KUBERNETES_UNAVAILABLE' && (code.startsWith('KUBERNETES_') || code === 'OBJECT_NOT_OURS');

/** Every kind has a source, and all of them most likely the same trouble. */
function unavailable({ sources }: RunReport): readonly Problem[] {
  const reasons = sources.flatMap(({ kind, reason }) =>
    kind === 'unavailable' && reason?.code.startsWith('KUBERNETES_') === true ? [[reason.code, reason] as const] : [],
  );
  return [...new Map(reasons).values()];
}

const sourceOf = (value: SpecFiles): NonNullable<Parameters<typeof planOnce>[1]['source']> => ({
  read: async () => ({ kind: 'complete', value, readAtMs: 0, connectedAtMs: 0, index: '' }),
  close: async () => undefined,
});
