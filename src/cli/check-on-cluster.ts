import type { SpecFile, SpecFiles } from '../core/model/spec-set.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { planOnce } from '../once.ts';
import type { Problem } from '../shared/problem.ts';
import type { ValidateRequest } from './cli-io.ts';
import { specFilesOf } from './spec-files.ts';

/**
 * What the API server would refuse of some files: they are planned as if they were the repository, and what would be applied is tried by dry
 * runs. What the cluster has already is in step, and needs no trying. An API server that does not answer is a problem without a place.
 */
export async function checkOnCluster(files: readonly SpecFile[], { config, io, signal }: ValidateRequest): Promise<readonly Problem[]> {
  const { report } = await planOnce(config, { ...io, check: true, source: sourceOf(specFilesOf(files)) }, signal);
  const refused = report.specs.flatMap(({ problems }) => problems.filter(isOfCluster));
  return [...unavailable(report), ...refused];
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
