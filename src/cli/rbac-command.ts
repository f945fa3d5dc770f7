import { type Command, Option } from 'commander';
import { dump } from 'js-yaml';
import type { Config } from '../config/config.ts';
import type { KubernetesObject } from '../core/model/objects.ts';
import type { DaemonRights } from '../core/rights/daemon-rules.ts';
import { type RbacNames, rbacManifests } from '../core/rights/rbac-manifests.ts';
import { problem } from '../shared/problem.ts';
import { type CommandContext, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

interface RbacFlags {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly name: string;
  readonly output: 'yaml' | 'json';
}

const HELP = `
The rights are those for the kinds that the specs hold, and no wildcard. Of a kind whose last object has left Git the rights are
needed until that object is deleted. Apply what is printed only after that. The Lease is in lease.namespace where that or a
kubeconfig is configured, else beside the service account.
Without PATH the head of the configured repository is read; with it, neither a repository nor a cluster has to be configured.

Examples:
  poolkeeper rbac --config poolkeeper.yaml
  poolkeeper rbac specs/ --namespace poolkeeper | kubectl apply --server-side -f -`;

/** `rbac`: the smallest rights for a configuration and its specs, as manifests. */
export function addRbacCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('rbac')
    .description('Print the least rights in Kubernetes that the daemon needs for these specs.')
    .argument('[path...]', 'files and folders with specs')
    .addOption(new Option('--namespace <name>', 'the namespace of the service account').default('poolkeeper'))
    .addOption(new Option('--service-account <name>', 'who gets the rights').default('poolkeeper'))
    .addOption(new Option('--name <name>', 'how the ClusterRole is called').default('poolkeeper'))
    .addOption(new Option('--output <format>', 'yaml or json, a List').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], flags: RbacFlags) => context.exit(await printRights(command, context, { paths, flags })));
  addConfigOptions(command);
}

/** What need not be configured where the specs are given. */
const UNUSED = { POOLKEEPER_CLUSTER: 'unused', POOLKEEPER_GIT_URL: '/unused' };

async function printRights(
  command: Command,
  context: CommandContext,
  { paths, flags }: { readonly paths: readonly string[]; readonly flags: RbacFlags },
): Promise<ExitCode> {
  const { io } = context;
  const format = flags.output === 'json' ? 'json' : 'text';
  const loaded = readConfig(command, paths.length === 0 ? io : { ...io, env: { ...UNUSED, ...io.env } });
  if (loaded.kind === 'invalid') {
    writeProblems(context, loaded.problems, format);
    return EXIT.config;
  }
  const { readRights } = await io.load.rights();
  const answer = await readRights({ config: loaded.config, paths, env: io.env, signal: io.signal });
  if (answer.kind === 'failed') {
    writeProblems(context, answer.problems, format);
    return EXIT.failed;
  }
  if (givesRights(answer.rights)) writeProblems(context, [RIGHTS_OF_OTHERS], 'text');
  const manifests = rbacManifests(answer.rights, namesOf(flags, loaded.config));
  if (flags.output === 'json') writeJson(context, { apiVersion: 'v1', kind: 'List', items: manifests });
  else io.stdout.write(manifests.map(yamlOf).join('---\n'));
  return EXIT.done;
}

/** In a Pod the Lease stands beside it; a daemon that is neither configured for a kubeconfig nor for a Lease is taken to run in one. */
function namesOf({ name, serviceAccount, namespace }: RbacFlags, { kubernetes, lease }: Config): RbacNames {
  const inPod = kubernetes.inCluster || (kubernetes.kubeconfig === undefined && lease.namespace === 'default');
  return { name, serviceAccount, namespace, leaseNamespace: inPod ? namespace : lease.namespace };
}

const yamlOf = (manifest: KubernetesObject): string => dump(manifest, { flowLevel: 3, lineWidth: 120, noRefs: true });

const givesRights = ({ cluster }: DaemonRights): boolean =>
  cluster.some(({ apiGroups }) => apiGroups.includes('rbac.authorization.k8s.io'));

const RIGHTS_OF_OTHERS = problem(
  'KUBERNETES_FORBIDDEN',
  'some specs hold Roles or bindings, and Kubernetes lets nobody give out rights of others',
  {
    severity: 'note',
    remedy: 'Grant the daemon by hand what these Roles grant.',
  },
);
