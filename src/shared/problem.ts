/** What the loop does about a problem: try again, or wait until a person mends something. */
export type ProblemNext = 'retry' | 'fix-spec' | 'fix-config' | 'report-bug';

/** `error` stops the thing it speaks of, `warning` and `note` do not. */
export type Severity = 'error' | 'warning' | 'note';

/** A place in a spec file. Lines and columns count from 1. */
export interface SourcePosition {
  /** The file's path in the repository, or on disk for a configuration file. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The path inside the document, such as `objects.services.specification.spec.ports[0]`. Empty for the whole file. */
  readonly path: string;
}

interface CatalogueEntry {
  readonly next: ProblemNext;
  readonly severity: Severity;
  /** What to do, when the place that reports it knows nothing better. */
  readonly remedy: string;
}

const entry = (next: ProblemNext, severity: Severity, remedy: string): CatalogueEntry => ({ next, severity, remedy });

/** Every problem poolkeeper can report. Adding one here is the only way to make a new code. */
export const PROBLEMS = {
  // Configuration
  CONFIG_INVALID: entry('fix-config', 'error', 'Correct the option named in the message; `poolkeeper run --help` lists every option.'),
  CONFIG_UNKNOWN_KEY: entry('fix-config', 'error', 'Remove the key or correct its spelling.'),
  CONFIG_UNREADABLE: entry('fix-config', 'error', 'Check that the file exists and that the daemon may read it.'),

  // Git
  GIT_UNREACHABLE: entry(
    'retry',
    'error',
    'Check the repository URL, the network and the Git server; the last good commit stays in force.',
  ),
  GIT_AUTH_FAILED: entry('fix-config', 'error', 'Check the user name and the password or token file of the repository.'),
  GIT_REF_MISSING: entry('fix-config', 'error', 'Create the branch again or correct `git.ref`; the last good commit stays in force.'),
  GIT_ROOT_MISSING: entry('fix-config', 'error', 'Create the folder in the repository or correct `git.root`.'),
  GIT_URL_REFUSED: entry('fix-config', 'error', 'Use an https, ssh, git or file URL, or an absolute path.'),
  GIT_HISTORY_REWRITTEN: entry('retry', 'warning', 'The branch was force-pushed; the new head is in force. Removals are still guarded.'),
  GIT_READ_FAILED: entry('retry', 'error', 'Look at the message from git; the last good commit stays in force.'),

  // Specs
  SPEC_SYNTAX: entry('fix-spec', 'error', 'Correct the JSON or YAML at this place.'),
  SPEC_TOO_LARGE: entry('fix-spec', 'error', 'Split the file; a spec file may hold at most 1 MiB.'),
  SPEC_NOT_A_FILE: entry('fix-spec', 'error', 'Commit a plain file; symbolic links and submodules are not followed.'),
  SPEC_NOT_UTF8: entry('fix-spec', 'error', 'Save the file as UTF-8.'),
  SPEC_EMPTY: entry('fix-spec', 'error', 'Add at least one Kubernetes object, or delete the file.'),
  SPEC_UNKNOWN_FORMAT: entry('fix-spec', 'error', 'Write Kubernetes objects, or the envelope {"objects": {…}}.'),
  SPEC_UNKNOWN_FIELD: entry('fix-spec', 'error', 'Remove the field or correct its spelling.'),
  SPEC_INVALID_FIELD: entry('fix-spec', 'error', 'Correct the value as the message says.'),
  SPEC_MISSING_FIELD: entry('fix-spec', 'error', 'Add the field.'),
  SPEC_OLD_API_VERSION: entry('fix-spec', 'note', 'Nothing has to be done; write the new apiVersion when you next edit the file.'),
  SPEC_API_VERSION_GONE: entry('fix-spec', 'error', 'Write the object in an API version that current clusters serve.'),
  SPEC_DUPLICATE_OBJECT: entry('fix-spec', 'error', 'Keep the object in one place only.'),
  SPEC_OBJECT_CONFLICT: entry('fix-spec', 'error', 'Remove the object from one of the specs, or rename it.'),
  SPEC_NAME_CONFLICT: entry(
    'fix-spec',
    'error',
    'Give one of the Services another Consul name by the annotation poolkeeper.dev/service-name.',
  ),
  SPEC_TAG_CONFLICT: entry('fix-spec', 'error', 'Write the tag in one place only, or with the same value.'),
  SPEC_BAD_ANNOTATION: entry('fix-spec', 'error', 'Correct the annotation as the message says.'),
  SPEC_DEPENDENCY_MISSING: entry(
    'fix-spec',
    'error',
    'Correct the path in poolkeeper.dev/depends-on; it counts from the top of the repository.',
  ),
  SPEC_DEPENDENCY_CYCLE: entry('fix-spec', 'error', 'Take one of these files out of poolkeeper.dev/depends-on.'),
  TAG_NOT_TRANSLATED: entry(
    'fix-spec',
    'error',
    'Write the Traefik 3 tags of this Service by hand in the annotation poolkeeper.dev/tags, or set `traefik.dialect` to v1 while Traefik 1 alone reads them.',
  ),
  TAG_APPROXIMATED: entry(
    'fix-spec',
    'warning',
    'Check that this is what you want, or write the Traefik 3 tags of this Service by hand in the annotation poolkeeper.dev/tags.',
  ),
  TAG_REWRITTEN: entry('fix-spec', 'note', 'Nothing has to be done.'),
  TAG_UNKNOWN: entry('fix-spec', 'warning', 'Correct the tag or remove it.'),
  TAG_INVALID: entry('fix-spec', 'error', 'Correct the Traefik tag as the message says.'),
  POOL_PORT_MISSING: entry('fix-spec', 'error', 'Give poolkeeper.dev/port the name or number of one of the ports of the Service.'),

  // Kubernetes
  KUBERNETES_UNAVAILABLE: entry('retry', 'error', 'Check that the API server runs and can be reached; nothing is removed meanwhile.'),
  KUBERNETES_FORBIDDEN: entry(
    'fix-config',
    'error',
    'Give the daemon the right named in the message; `poolkeeper rbac` prints all that it needs.',
  ),
  KUBERNETES_UNKNOWN_KIND: entry('fix-spec', 'error', 'Install the CustomResourceDefinition, or correct apiVersion and kind.'),
  KUBERNETES_REFUSED: entry('fix-spec', 'error', 'Correct the object as the API server says.'),
  KUBERNETES_IMMUTABLE: entry(
    'fix-spec',
    'error',
    'The field cannot be changed on a live object. Put its old value back, or allow deleting and creating it by the annotation poolkeeper.dev/recreate: "true".',
  ),
  KUBERNETES_NO_EFFECT: entry(
    'fix-config',
    'warning',
    'Let the admission webhook or policy (kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies) leave it alone, then resync.',
  ),
  KUBERNETES_CONFLICT: entry('retry', 'error', 'The object changed meanwhile; it is looked at again.'),
  OBJECT_NOT_OURS: entry('fix-spec', 'error', 'Rename the object, or allow taking it over by the annotation poolkeeper.dev/adopt: "true".'),
  ROLLOUT_FAILED: entry(
    'fix-spec',
    'error',
    'Look at the pods of the object; correct the spec, or take the change back: a new commit replaces the roll-out at once.',
  ),
  SNAPSHOT_STALE: entry('retry', 'warning', 'The source has not answered lately; nothing is removed until it does.'),
  NODE_UNKNOWN: entry('retry', 'error', 'Name a node of the cluster; `poolkeeper status` lists them.'),
  DRAIN_DISABLED: entry('fix-config', 'error', 'Set `drain.api`, or annotate the node by kubectl.'),
  LEASE_HELD_ELSEWHERE: entry('retry', 'note', 'Nothing has to be done: another replica leads.'),

  // Consul
  CONSUL_UNAVAILABLE: entry('retry', 'error', 'Check that Consul runs and has a leader; the Consul leg and all removals wait.'),
  CONSUL_FORBIDDEN: entry('fix-config', 'error', 'Give the token the missing right; `poolkeeper doctor consul` names it.'),
  CONSUL_FILTERED: entry(
    'fix-config',
    'error',
    'The token sees only a part of the catalog; `poolkeeper doctor consul` names the right that it lacks.',
  ),
  CONSUL_BAD_ANSWER: entry(
    'retry',
    'error',
    'Something between the daemon and Consul answers in its place; check the address and any proxy.',
  ),
  CONSUL_FENCED: entry('retry', 'error', 'Another replica leads now; nothing has to be done.'),
  CONSUL_CHANGED: entry('retry', 'warning', 'Someone changed the same entry; it is read again.'),
  CONSUL_REFUSED: entry('report-bug', 'error', 'Look at the message from Consul.'),
  CONSUL_TOO_LARGE: entry('fix-spec', 'error', 'Shorten the tags or lower `pool.maxBackends`; one pool must fit one Consul transaction.'),
  CONSUL_NAME_TAKEN: entry(
    'fix-spec',
    'error',
    'Someone else registers this Consul service; choose another name by poolkeeper.dev/service-name.',
  ),
  CONSUL_NAME_SHARED: entry(
    'fix-spec',
    'warning',
    'Have one of the two register another Consul service: Traefik mixes their backends, and drops the routes of both where tags differ.',
  ),
  CONSUL_INSTANCE_TAKEN: entry(
    'fix-config',
    'error',
    'Have its owner deregister the instance, or deregister it yourself if nobody claims it; the pool does without that backend meanwhile.',
  ),
  CONSUL_AGENTS_REGISTER: entry(
    'fix-config',
    'error',
    'Move the pool to the catalog by `poolkeeper migrate`, or set `registration: kv` to leave it to the agents.',
  ),
  CONSUL_POOL_DOUBLED: entry(
    'fix-config',
    'error',
    'Have the agents register it no more (docs: deploy/consul-template/README.md), or set `registration: kv`.',
  ),
  POOL_UNKNOWN: entry('retry', 'error', 'Name a pool as namespace/name of its Service; `poolkeeper status` lists them.'),
  MIGRATION_REFUSED: entry(
    'fix-config',
    'error',
    'Set `registration` to both or catalog first: pools that agents register stay with them until they are asked to move.',
  ),
  CONSUL_AGENTS_STAY: entry(
    'fix-config',
    'warning',
    'Run the template of deploy/consul-template on these nodes, or remove the service from the configuration of their agents.',
  ),
  CONSUL_NODE_TAKEN: entry(
    'fix-config',
    'error',
    'A node of this name belongs to someone else; set another `consul.nodePrefix` or `cluster`.',
  ),
  CONSUL_KEY_TAKEN: entry(
    'fix-spec',
    'error',
    'Someone else wrote this key; allow taking it over by the annotation poolkeeper.dev/adopt: "true".',
  ),
  CONSUL_VALUE_TOO_LARGE: entry(
    'fix-spec',
    'error',
    'Shorten what the message names, such as long annotations; the rest of the spec goes on without it.',
  ),
  CONSUL_ARGUMENT_LIMIT: entry(
    'fix-spec',
    'warning',
    'Shorten the annotations of the Service, or render `deployments/` by a template that needs no plugin.',
  ),
  CONSUL_CLUSTER_CLASH: entry(
    'fix-config',
    'error',
    'Another Kubernetes cluster uses this `cluster` name on the same Consul; choose another.',
  ),
  REGISTRATION_CHOICE_NEEDED: entry(
    'fix-config',
    'error',
    'The KV tree holds keys of another writer. Set `registration` to catalog, kv or both to say who registers.',
  ),

  // Traefik
  TRAEFIK_UNREACHABLE: entry(
    'retry',
    'warning',
    'Check that this Traefik runs and that its API answers at the URL in `traefik.api`; drains count by time while nobody can ask it.',
  ),
  TRAEFIK_FORBIDDEN: entry('fix-config', 'warning', 'Correct the user name and the password file of this replica in `traefik.api`.'),
  TRAEFIK_BAD_ANSWER: entry(
    'fix-config',
    'warning',
    'Check that the URL in `traefik.api` leads to the API of a Traefik 3: its entry point with `api: {}` and a router to api@internal.',
  ),
  TRAEFIK_BEHIND: entry(
    'retry',
    'warning',
    "Look into this Traefik's log for errors of the consulCatalog provider, and restart it when there are none: it may hold on to an old answer of Consul.",
  ),
  TRAEFIK_NOT_SERVED: entry(
    'fix-config',
    'warning',
    "Check that Traefik's consulCatalog provider reads this Consul and that its `constraints`, `prefix` and `exposedByDefault` let the Consul service in; its log names tags that it drops.",
  ),
  TRAEFIK_ROUTER_BROKEN: entry('fix-spec', 'warning', 'Correct the tags of the Service, or define in Traefik what they refer to.'),

  // Guards
  REMOVAL_LIMIT: entry(
    'fix-spec',
    'warning',
    'Commit with the trailer "Poolkeeper-Allow-Removal: N", N at least the number of pools named, or put the files back.',
  ),
  REMOVAL_ALL: entry(
    'fix-spec',
    'warning',
    'Commit with the trailer "Poolkeeper-Allow-Removal: N", N at least the number of pools named, or put the files back.',
  ),
  SOURCE_CHANGED: entry(
    'fix-config',
    'warning',
    'Commit with the trailer "Poolkeeper-Allow-Removal: N", or point the daemon back at the old source.',
  ),
  SPECS_VANISHED: entry('fix-config', 'warning', 'Put the spec files back, or commit with the trailer "Poolkeeper-Allow-Removal: N".'),
  BROKEN_SPEC_MAY_OWN: entry(
    'fix-spec',
    'warning',
    'Mend the broken spec files; until then nothing is removed whose file is gone or broken.',
  ),
  PRUNE_DISABLED: entry('fix-spec', 'note', 'Nothing has to be done; delete the object by hand when it is not needed any more.'),
  SNAPSHOT_NOT_COMPLETE: entry('retry', 'warning', 'Removals wait until every source has answered in full.'),

  // The daemon itself
  DAEMON_UNREACHABLE: entry('retry', 'error', 'Check that the daemon runs and that --url names its address.'),
  UNAUTHORIZED: entry('fix-config', 'error', 'Send the token of `http.tokenFile` as a bearer token.'),
  INTERNAL: entry('report-bug', 'error', 'This should not happen; please report it with the log lines around it.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong, said so that its reader can mend it. Plain data: it is logged, shown and compared. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly next: ProblemNext;
  /** What failed, on which object. Never holds a secret. */
  readonly message: string;
  /** What to do, in words. */
  readonly remedy: string;
  readonly where?: SourcePosition;
  /** The fields that it is about, as paths inside the object, where the reporter knows them. */
  readonly fields?: readonly string[];
}

/** Makes a problem of the catalogue; `more` overrides what the catalogue says where the caller knows better. */
export function problem(
  code: ProblemCode,
  message: string,
  more: Partial<Pick<Problem, 'remedy' | 'where' | 'severity' | 'next' | 'fields'>> = {},
): Problem {
  const base = PROBLEMS[code];
  return {
    code,
    severity: more.severity ?? base.severity,
    next: more.next ?? base.next,
    message,
    remedy: more.remedy ?? base.remedy,
    ...(more.where === undefined ? {} : { where: more.where }),
    ...(more.fields === undefined ? {} : { fields: more.fields }),
  };
}

/** One line for a person: `file:line:column: CODE: message. Remedy`. */
export function problemText(value: Problem): string {
  const { where } = value;
  const place = where === undefined ? '' : `${where.file}:${where.line}:${where.column}: `;
  const inside = where === undefined || where.path === '' ? '' : ` (at ${where.path})`;
  return `${place}${value.code}: ${value.message}${inside}. ${value.remedy}`;
}
