import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGitSource } from '../adapters/git/git-source.ts';
import { Discovery } from '../adapters/kubernetes/discovery.ts';
import { createKubeClient } from '../adapters/kubernetes/kube-client.ts';
import type { Config } from '../config/config.ts';
import { connectionOf, gitOptions } from '../connections.ts';
import type { GroupKind } from '../core/model/ids.ts';
import type { Clock } from '../core/model/ports.ts';
import { snapshotValue } from '../core/model/snapshot.ts';
import type { SpecFiles } from '../core/model/spec-set.ts';
import { daemonRules } from '../core/rights/daemon-rules.ts';
import type { ResourceName } from '../core/rights/rbac-rule.ts';
import { resourcesOfSpecs } from '../core/rights/resources-of-specs.ts';
import { buildSpecSet, newDecodeCache } from '../core/spec/build-spec-set.ts';
import { AppError } from '../shared/errors.ts';
import { type Problem, problem } from '../shared/problem.ts';
import type { RightsAnswer, RightsRequest } from './cli-io.ts';
import { specFilesAt } from './spec-files.ts';

const CLOCK: Clock = { now: () => Date.now(), random: () => Math.random() };

/**
 * The rights that a daemon with this configuration needs for these specs. A spec that does not decode, or a kind that nobody
 * knows, fails it: half of the rights, once applied, would take the others away. Throws AppError when the specs cannot be read.
 */
export async function readRights(request: RightsRequest): Promise<RightsAnswer> {
  const { config, paths } = request;
  const files = paths.length > 0 ? await specFilesAt(paths, request.signal) : await filesOfRepository(request);
  const { defaultNamespace, namespaceFromFolder } = config.specs;
  const { specs, broken } = buildSpecSet(files, { defaultNamespace, namespaceFromFolder, root: config.git.root }, newDecodeCache());
  const errors = [...broken.values()].flat().filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { kind: 'failed', problems: errors };
  const { known, unknown } = resourcesOfSpecs(specs.values());
  const found = unknown.size === 0 ? { resources: [], problems: [] } : await askCluster(unknown, request);
  if (found.problems.length > 0) return { kind: 'failed', problems: found.problems };
  const { createNamespaces } = config.kubernetes;
  const resources = [...known.values(), ...found.resources];
  const rights = daemonRules({ owner: config.owner, createNamespaces, drainApi: config.drain.api, resources });
  return { kind: 'ok', rights };
}

async function filesOfRepository({ config, env, signal }: RightsRequest): Promise<SpecFiles> {
  const mirror = config.git.mirrorDir ?? (await mkdtemp(join(tmpdir(), 'poolkeeper-mirror-')));
  const git = createGitSource(gitOptions(config, mirror, CLOCK, { env }));
  try {
    const read = await git.read('', signal);
    const files = snapshotValue(read);
    if (read.kind !== 'complete' || files === undefined) throw new AppError(reasonOf(read, config));
    return files;
  } finally {
    await git.close();
    if (config.git.mirrorDir === undefined) await rm(mirror, { recursive: true, force: true });
  }
}

const reasonOf = (read: object, { git }: Config): Problem =>
  'reason' in read ? (read.reason as Problem) : problem('GIT_UNREACHABLE', `${git.url} has not been read`);

const REMEDY = 'Name a file with its CustomResourceDefinition as well, or run this where the API server can be reached.';

/** The resource names of kinds that only the cluster knows. */
async function askCluster(
  kinds: ReadonlyMap<GroupKind, string>,
  { config, env, signal }: RightsRequest,
): Promise<{ readonly resources: readonly ResourceName[]; readonly problems: readonly Problem[] }> {
  const resources: ResourceName[] = [];
  const problems: Problem[] = [];
  const unknown = (kind: GroupKind, why: string): number =>
    problems.push(problem('KUBERNETES_UNKNOWN_KIND', `the resource name of ${kind} is not known: ${why}`, { remedy: REMEDY }));
  const { timeoutMs, allowExec } = config.kubernetes;
  try {
    const client = createKubeClient({ connection: connectionOf(config, { env }), timeoutMs, allowCommands: allowExec });
    try {
      const discovery = new Discovery(client, CLOCK.now);
      for (const [kind, apiVersion] of kinds) {
        const found = await discovery.ofKind(kind, apiVersion, signal);
        if (found === undefined) unknown(kind, 'the API server does not serve it');
        else resources.push({ group: found.group, plural: found.plural });
      }
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    for (const kind of kinds.keys()) unknown(kind, error.problem.message);
  }
  return { resources, problems };
}
