import type { ProblemCode } from '../../src/shared/problem.ts';

/** What the catalogue does not say of a code: what has happened, and what else to know or do. */
export interface CodeText {
  readonly means: string;
  readonly more?: string;
  /** How to look, where it differs from the rest of its section. */
  readonly look?: string;
}

/** A text for every code of the catalogue: a new code needs one, too. */
export const CODE_TEXTS = {
  CONFIG_INVALID: {
    means: 'An option has a value that it cannot have, or options contradict each other. The daemon does not start (exit code 78).',
  },
  CONFIG_UNKNOWN_KEY: {
    means: 'The file or the environment names an option that does not exist. The message says which one was probably meant.',
  },
  CONFIG_UNREADABLE: {
    means: 'The configuration, or a file that an option names (password, token, certificate), cannot be read.',
    more: 'In Kubernetes look at the mode of the mounted Secret; with systemd at `LoadCredential`.',
  },
  FILE_NOT_READ: { means: 'A path that was named on the command line cannot be read, or holds no spec.' },
  FILE_NOT_WRITTEN: { means: 'A command of the command line could not write its file, or would have written over one.' },
  SNAPSHOT_UNREADABLE: { means: 'The file given to `plan` is no snapshot of this version, or was made with other ids.' },

  GIT_UNREACHABLE: {
    means: 'The Git server gave no answer, or not one of Git: network, name, proxy, a certificate that nobody trusts, or a wrong address.',
    more: 'The pools go on following their nodes meanwhile. For a private certificate authority set `git.sslCaFile`.',
  },
  GIT_AUTH_FAILED: {
    means: 'The server refuses the user, password, token, SSH key or client certificate.',
    more: 'The password file is read again for each request: no restart is needed.',
  },
  GIT_HOST_KEY_UNKNOWN: { means: 'The SSH server showed a host key that no file of known hosts has.' },
  GIT_HOST_KEY_CHANGED: {
    means: 'The SSH server showed another host key than the known one: a new server, or somebody in between.',
    more: 'Do not replace the key before somebody has told you why it changed.',
  },
  GIT_REF_MISSING: { means: 'The branch, tag or commit that is followed does not exist any more.' },
  GIT_ROOT_MISSING: { means: 'The commit has no folder `git.root`. It is not taken for an empty one: nothing is removed.' },
  GIT_URL_REFUSED: { means: 'The URL of the repository has a form that is not safe, or not supported.' },
  GIT_HISTORY_REWRITTEN: { means: 'Somebody force-pushed: the new head does not descend from the one before.' },
  GIT_NOT_FAST_FORWARD: { means: 'Somebody force-pushed, and `git.fastForwardOnly` is set: the commit before stays in force.' },
  GIT_COMMIT_UNVERIFIED: {
    means: 'A commit is not signed by a key that `git.verify` trusts: the last verified one stays in force.',
    look: '`git log --show-signature` in a clone.',
  },
  GIT_READ_FAILED: {
    means: 'git itself failed: not installed, no space for the mirror, a broken object.',
    more: 'When the mirror is broken, stop the daemon, remove the folder of `git.mirrorDir`, start it: it is only a cache.',
  },

  SPEC_SYNTAX: { means: 'The file is no valid JSON or YAML.' },
  SPEC_TOO_LARGE: { means: 'The file is larger than 1 MiB, nests too deep, or expands (YAML aliases) to too much.' },
  SPEC_NOT_A_FILE: { means: 'A symbolic link or a submodule stands where a spec is looked for.' },
  SPEC_LFS_POINTER: { means: 'The repository holds a pointer of Git LFS instead of the file.' },
  SPEC_BAD_NAME: {
    means: 'The name of the file holds a control character, or stands more than once in its folder.',
  },
  SPEC_NOT_UTF8: { means: 'The file is not UTF-8.' },
  SPEC_EMPTY: { means: 'The file holds no object. It is broken, not deleted: what it owned stays.' },
  SPEC_UNKNOWN_FORMAT: { means: 'The file is neither Kubernetes objects nor the envelope.' },
  SPEC_UNKNOWN_FIELD: { means: 'A field does not exist in this kind; Kubernetes would drop or refuse it.' },
  SPEC_INVALID_FIELD: { means: 'A field has a value that it cannot have.' },
  SPEC_MISSING_FIELD: { means: 'A field that must be there is not.' },
  SPEC_OLD_API_VERSION: { means: 'The object is written in an API version that was renamed; it is upgraded when read.' },
  SPEC_API_VERSION_GONE: { means: 'No current cluster serves this API version, and it cannot be upgraded by itself.' },
  SPEC_PLAIN_SECRET: {
    means: 'The file holds the values of a Secret: whoever reads the repository has them.',
    more: 'Treat what was committed as known to others: change it as well.',
  },
  SPEC_NOT_FORMATTED: { means: 'The file is not in the form that `poolkeeper spec fmt` writes.', look: '`poolkeeper spec fmt FILE`.' },
  SPEC_DUPLICATE_OBJECT: { means: 'One file holds the same object twice.' },
  SPEC_OBJECT_CONFLICT: { means: 'Two files hold the same object. The one that has it now stays in force, the other is set aside.' },
  SPEC_NAME_CONFLICT: {
    means: 'Two Services would register the same Consul service; their backends would be mixed. The newcomer is set aside.',
  },
  SPEC_TAG_CONFLICT: { means: 'The annotations of a Service give one tag two values.' },
  SPEC_BAD_ANNOTATION: { means: 'An annotation `poolkeeper.dev/…` is unknown, or has a value that it cannot have.' },
  SPEC_DEPENDENCY_MISSING: { means: 'The spec depends on a file that does not exist. Its changes wait; its pools follow their nodes.' },
  SPEC_DEPENDENCY_CYCLE: { means: 'Specs depend on each other in a circle, so that none could go first.' },
  SPEC_NAMESPACE_UNKNOWN: { means: 'No spec has the namespace of the object, and it may not exist.' },
  SPEC_SELECTS_NOTHING: { means: 'The selector of a Service fits no pods of the specs: nothing would serve it.' },
  SPEC_TARGET_PORT_MISSING: { means: 'A Service sends to a named port that no container has.' },
  TAG_REQUIRED: { means: 'Traefik is configured to take only Consul services with a tag that this one lacks.' },
  TAG_NOT_TRANSLATED: {
    means: 'A Traefik 1 tag has no equivalent in Traefik 3. Traefik 3 gets no route rather than one that lacks protection.',
  },
  TAG_APPROXIMATED: { means: 'A Traefik 1 tag was translated into something that behaves a little differently.' },
  TAG_REWRITTEN: { means: 'A Traefik 1 tag was translated into another one that does the same.' },
  TAG_UNKNOWN: { means: 'Traefik does not know this tag, and passes over it.' },
  TAG_INVALID: { means: 'Traefik cannot read this tag. Some of these make Traefik 3 refuse the whole catalog; they are never written.' },
  POOL_PORT_MISSING: { means: 'The annotation `poolkeeper.dev/port` names no port of its Service.' },

  KUBERNETES_UNAVAILABLE: {
    means: 'The API server gave no answer in time, or an error of its own. What serves goes on serving; nothing is removed.',
    look: '`curl http://127.0.0.1:8080/readyz?verbose`, then `kubectl get --raw /readyz?verbose` with the same kubeconfig.',
  },
  KUBERNETES_FORBIDDEN: {
    means: 'The account of the daemon lacks a right, or its token or client certificate is not accepted.',
    look: '`poolkeeper rbac` prints the rights that the specs need; `kubectl auth can-i --list --as ACCOUNT` those that there are.',
    more: 'A token from `kubectl create token` ends: write a new one into the kubeconfig; it is read again by itself.',
  },
  KUBERNETES_UNKNOWN_KIND: {
    means: 'The API server does not serve this kind.',
    more: 'Where a spec brings the definition, the object waits for it.',
  },
  KUBERNETES_NO_SCHEMA: {
    means:
      '`poolkeeper validate --cluster` could not read the schema of the cluster: only what a dry run finds was told, without its place.',
    look: '`kubectl get --raw /openapi/v3` with the same kubeconfig.',
  },
  KUBERNETES_REFUSED: {
    means: 'The API server, a quota, a policy or an admission webhook refused the object; the message has its words.',
    more: 'It is tried again when the spec or an object changes, and ever more rarely by itself.',
  },
  KUBERNETES_IMMUTABLE: { means: 'The change touches a field that Kubernetes does not let anybody change on a live object.' },
  KUBERNETES_NO_EFFECT: {
    means:
      'The object was applied, and something (an admission webhook or policy) changed it on the way. It is not tried again until something is different.',
  },
  KUBERNETES_REPLICAS_LEFT: {
    means:
      'An autoscaler outside of the spec has set the number of replicas, now or before it went. The number in the file does not count.',
    look: '`kubectl get horizontalpodautoscalers --namespace <namespace>`.',
  },
  KUBERNETES_CONFLICT: { means: 'Somebody changed the object between our look and our write.' },
  OBJECT_NOT_OURS: {
    means: 'An object of this name exists and somebody else made it. It is left alone.',
    more: '`poolkeeper plan` tells what taking it over would change.',
  },
  ROLLOUT_FAILED: {
    means: 'The pods of the new version do not become ready, and Kubernetes has given up. The old pods, if any, still serve.',
    look: '`kubectl rollout status`, `kubectl describe pod`, `kubectl logs --previous`.',
  },
  SNAPSHOT_STALE: { means: 'What is known of a source is old: its watch broke, or it has not been asked yet.' },
  NODE_UNKNOWN: { means: 'A command named a node that the cluster does not have.' },
  SPEC_UNKNOWN: { means: 'A command named a spec that the daemon does not know.' },
  DRAIN_DISABLED: { means: '`drain.api` is false: nodes are not marked through the API.' },
  LEASE_HELD_ELSEWHERE: { means: 'This replica does not lead. Another one does the work.' },

  CONSUL_UNAVAILABLE: {
    means:
      'Consul gave no answer, has no leader, or its certificate is not trusted. The Consul leg and all removals wait; Traefik keeps what it knows.',
    look: '`curl http://127.0.0.1:8080/readyz?verbose`, then `consul operator raft list-peers`.',
  },
  CONSUL_FORBIDDEN: {
    means: 'The ACL token lacks a right, has expired or was deleted.',
    more: '`poolkeeper doctor consul --policy` prints the policy to attach. The file of `consul.tokenFile` is read for each request.',
  },
  CONSUL_FILTERED: { means: 'Consul leaves out of its answers what the token may not see. Nothing is decided by a partial answer.' },
  CONSUL_BAD_ANSWER: { means: 'The answer is none that Consul gives: a proxy, a login page, another server.' },
  CONSUL_FENCED: {
    means: 'The session of this replica has ended: Consul refused its writes, as it should. Another one leads, or this one will again.',
    more: 'If it comes again and again, Consul is slow or the daemon is starved of CPU: look at both.',
  },
  CONSUL_CHANGED: { means: 'Somebody changed the same entry between our look and our write.' },
  CONSUL_REFUSED: { means: 'Consul refused a transaction for a reason that was not foreseen; the message has its words.' },
  CONSUL_TOO_LARGE: { means: 'A pool with its tags does not fit one transaction (512 KiB; 64 or 128 operations), and it is never split.' },
  CONSUL_NAME_TAKEN: { means: 'A stranger registers a Consul service of this name; to share it would mix backends.' },
  CONSUL_NAME_SHARED: {
    means: 'The Consul service is ours, and somebody else registers instances in it, too.',
    look: '`consul catalog nodes -service NAME`.',
  },
  CONSUL_INSTANCE_TAKEN: { means: "An instance with our id stands in Consul, and is marked as somebody else's." },
  CONSUL_AGENTS_REGISTER: {
    means: 'Consul agents on the nodes register this pool, so that the catalog does not, or it would be there twice.',
  },
  CONSUL_POOL_DOUBLED: {
    means: 'The pool stands in the catalog and agents register it as well: requests go twice as often to their nodes.',
  },
  POOL_UNKNOWN: { means: 'A command named a pool that does not exist.' },
  MIGRATION_REFUSED: { means: 'A pool was to move from the agents to the catalog, which `registration: kv` forbids.' },
  CONSUL_AGENTS_STAY: {
    means: 'Agents were told to register a pool no more, and still do.',
    look: '`consul catalog nodes -service NAME`, and the log of consul-template on the nodes named.',
  },
  CONSUL_NODE_TAKEN: { means: 'A node in Consul has the name that ours would have, and is not ours; or strangers put services on ours.' },
  CONSUL_KEY_TAKEN: { means: 'A key in the KV store that we would write was written by somebody else.' },
  CONSUL_VALUE_TOO_LARGE: { means: 'A value is larger than Consul takes for a key.' },
  CONSUL_ARGUMENT_LIMIT: { means: 'A value is longer than a template can give to a plugin as an argument.' },
  CONSUL_CLUSTER_CLASH: {
    means:
      'The key of the leader in Consul, or the canary node, was written for another Kubernetes cluster, or by another owner. This daemon never leads until that is settled.',
  },
  REGISTRATION_CHOICE_NEEDED: { means: 'The KV tree was written by another program, and it is not known who is to register from now on.' },

  TRAEFIK_UNREACHABLE: { means: 'A replica of `traefik.api` gives no answer. Drains wait for it, for `drain.maxWait` at most.' },
  TRAEFIK_FORBIDDEN: { means: 'A replica refuses the user name or password of its API.' },
  TRAEFIK_BAD_ANSWER: { means: 'What answers is not the API of a Traefik 3.' },
  TRAEFIK_BEHIND: {
    means: 'A replica has not followed Consul for longer than it should take. A check in Consul has been touched to wake it.',
  },
  TRAEFIK_FROZEN: {
    means: 'A replica has not followed Consul, and nothing that it serves has changed since: it does not read Consul at all.',
    more: 'Requests go on reaching the backends that it knew last; those that have left since fail.',
  },
  TRAEFIK_DIFFERS: { means: 'A replica follows Consul and makes other routes of it than the others.' },
  TRAEFIK_LOST: { means: 'A replica has given no answer for `drain.maxWait`: drains no longer wait for it.' },
  TRAEFIK_NOT_SERVED: {
    means: 'The pool is in Consul, and no replica has anything of it.',
    more: '`poolkeeper routes --translate FILE` tells which tags Traefik 3 gets.',
  },
  TRAEFIK_PROBE_FAILED: { means: 'A request through Traefik to a route of the pool failed twice in a row. Nothing is decided by it.' },
  ROUTE_CONFLICT: {
    means:
      'The routes of the pool would replace, break or tie with those of another one. The pool is set aside before it is written; what is served stays.',
  },
  ROUTE_CONFLICT_STANDS: { means: 'Routes that are in Consul already collide: Traefik drops or mixes them.' },
  ROUTE_DOUBTFUL: { means: 'Two routers may take the same requests, and which one does depends on the length of their rules.' },
  TRAEFIK_ROUTER_BROKEN: {
    means: 'Traefik has the router and does not serve it: it refers to something that does not exist, or its rule is wrong.',
  },

  REMOVAL_LIMIT: {
    means:
      'More would be removed within `guard.window` than `guard.maxRemovedPools` or `guard.maxRemovedObjects` allow. Nothing of that kind is removed.',
  },
  REMOVAL_ALL: { means: 'All pools or objects would be removed at once.' },
  SOURCE_CHANGED: {
    means: 'The daemon reads another repository, ref or folder than before. Removals are held, in case that was a mistake.',
  },
  SPECS_VANISHED: { means: 'There were spec files, and now there are none.' },
  NOTHING_HELD: {
    means: 'Somebody approved removals, and none is held that an approval releases: all is let pass, or waits for something else.',
  },
  HOLD_CHANGED: {
    means: 'Somebody approved what was held when they looked. Since then there is another commit, or other things are to be removed.',
  },
  BROKEN_SPEC_MAY_OWN: { means: 'A file is broken, and what is to be removed may have moved into it.' },
  PRUNE_DISABLED: {
    means: 'An object left Git and stays, since it or its kind (namespaces, volumes, definitions) is not deleted by itself.',
  },
  SNAPSHOT_NOT_COMPLETE: { means: 'A source has not answered in full since it was last connected; until then nothing is removed.' },
  NOTIFIER_FAILED: {
    means:
      'Somebody who is to be told of commits or events (the hosting service, Slack, the webhook) does not answer, or asks to be left alone.',
    more: 'What waits is sent later, bounded: the newest status of each commit, and what is too much of the rest as a number. `poolkeeper_notifications_total` counts the tries.',
  },
  NOTIFIER_REFUSED: {
    means: 'A hosting service or webhook refuses what it is sent, or a file that `notify` names cannot be read any more.',
    more: 'Tokens, keys and URLs are read from their files again for each request: no restart is needed. After 401 and 403 it is tried again for an hour.',
  },

  DAEMON_REFUSED: { means: 'A running daemon answered a command of the command line, but not with what was asked for.' },
  DAEMON_UNREACHABLE: {
    means: 'The command line reached no daemon at its address.',
    look: '`curl http://127.0.0.1:8080/livez` on the machine where it runs.',
  },
  UNAUTHORIZED: { means: 'A request that changes something came without the right bearer token.' },
  INTERNAL: { means: 'Something happened that nobody foresaw. The loop goes on and tries again.', look: 'The log: `event: error`.' },
} as const satisfies Readonly<Record<ProblemCode, CodeText>>;
