import { type CatalogueEntry, entry } from './catalogue-entry.ts';

/** What can be wrong with the servers, with what they hold, with what would be removed from them, and with the daemon. */
export const SERVER_PROBLEMS = {
  // Kubernetes
  KUBERNETES_UNAVAILABLE: entry('retry', 'error', 'Check that the API server runs and can be reached; nothing is removed meanwhile.'),
  KUBERNETES_FORBIDDEN: entry(
    'fix-config',
    'error',
    'Give the daemon the right named in the message; `poolkeeper rbac` prints all that it needs.',
  ),
  KUBERNETES_UNKNOWN_KIND: entry('fix-spec', 'error', 'Install the CustomResourceDefinition, or correct apiVersion and kind.'),
  KUBERNETES_NO_SCHEMA: entry(
    'fix-config',
    'warning',
    'The dry run alone was asked. Let the account read /openapi/v3 (ClusterRole system:discovery), or validate without --cluster as well.',
  ),
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
  KUBERNETES_REPLICAS_LEFT: entry(
    'fix-spec',
    'note',
    'Take `spec.replicas` out of the file, or put the autoscaler into it. Where none is left, `kubectl scale` once: then the file counts again.',
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
  SPEC_UNKNOWN: entry('retry', 'error', 'Name a spec by its path below the root; `poolkeeper status` lists them.'),
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
    'Another Kubernetes cluster, or another owner, uses this `cluster` name on the same Consul; choose another.',
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
  TRAEFIK_FROZEN: entry(
    'retry',
    'warning',
    "Look into this Traefik's log for what keeps it from reading Consul (a broken connection, a refused token, a tag that it cannot read), and restart it.",
  ),
  TRAEFIK_DIFFERS: entry(
    'fix-config',
    'warning',
    'Give all Traefik replicas of `traefik.api` the same static configuration: entry points, default rule, providers, and what the routers refer to.',
  ),
  TRAEFIK_LOST: entry(
    'retry',
    'warning',
    'Start this Traefik, or take it out of `traefik.api` when it is gone: until then NodePorts close by time, without its proof.',
  ),
  TRAEFIK_NOT_SERVED: entry(
    'fix-config',
    'warning',
    "Check that Traefik's consulCatalog provider reads this Consul and that its `constraints`, `prefix` and `exposedByDefault` let the Consul service in; its log names tags that it drops.",
  ),
  TRAEFIK_PROBE_FAILED: entry(
    'retry',
    'warning',
    'Ask `poolkeeper why` with the URL. Where the answer is as it should be, say so by poolkeeper.dev/probe-path or probe-codes on the Service.',
  ),
  ROUTE_CONFLICT: entry('fix-spec', 'error', 'Give the router, Traefik service or middleware another name, or change its rule.'),
  ROUTE_CONFLICT_STANDS: entry(
    'fix-spec',
    'warning',
    'Change one of those who take part; until then Traefik does not serve them as meant.',
  ),
  ROUTE_DOUBTFUL: entry('fix-spec', 'warning', 'Change the rule of one of the routers, or set their priorities.'),
  TRAEFIK_ROUTER_BROKEN: entry('fix-spec', 'warning', 'Correct the tags of the Service, or define in Traefik what they refer to.'),

  // Guards
  REMOVAL_LIMIT: entry(
    'fix-spec',
    'warning',
    'Commit with the trailer "Poolkeeper-Allow-Removal: N", N at least the number of pools named, or let it go with `poolkeeper approve`, or put the files back.',
  ),
  REMOVAL_ALL: entry(
    'fix-spec',
    'warning',
    'Commit with the trailer "Poolkeeper-Allow-Removal: N", N at least the number of pools named, or let it go with `poolkeeper approve`, or put the files back.',
  ),
  SOURCE_CHANGED: entry(
    'fix-config',
    'warning',
    'Commit with the trailer "Poolkeeper-Allow-Removal: N", or let it go with `poolkeeper approve`, or point the daemon back at the old source.',
  ),
  SPECS_VANISHED: entry(
    'fix-config',
    'warning',
    'Put the spec files back, or commit with the trailer "Poolkeeper-Allow-Removal: N", or let it go with `poolkeeper approve`.',
  ),
  NOTHING_HELD: entry('retry', 'error', 'Nothing has to be done; `poolkeeper status` tells what removals wait for, if any are to come.'),
  HOLD_CHANGED: entry('retry', 'error', 'Look at what is held now with `poolkeeper approve`, and approve that.'),
  BROKEN_SPEC_MAY_OWN: entry(
    'fix-spec',
    'warning',
    'Mend the broken spec files; until then nothing is removed whose file is gone or broken.',
  ),
  PRUNE_DISABLED: entry('fix-spec', 'note', 'Nothing has to be done; delete the object by hand when it is not needed any more.'),
  SNAPSHOT_NOT_COMPLETE: entry('retry', 'warning', 'Removals wait until every source has answered in full.'),

  // Notifications
  NOTIFIER_FAILED: entry('retry', 'warning', 'Nothing has to be done when it passes: it is tried again, and no run waits for it.'),
  NOTIFIER_REFUSED: entry(
    'fix-config',
    'warning',
    'Correct the address, the token or the template of this channel under `notify`; docs/notifications.md has examples.',
  ),

  // The daemon itself
  DAEMON_UNREACHABLE: entry('retry', 'error', 'Check that the daemon runs and that --url names its address.'),
  DAEMON_REFUSED: entry('retry', 'error', 'See what `poolkeeper status` tells of the daemon, and try again.'),
  UNAUTHORIZED: entry('fix-config', 'error', 'Send the token of `http.tokenFile` as a bearer token.'),
  INTERNAL: entry('report-bug', 'error', 'This should not happen; please report it with the log lines around it.'),
} as const satisfies Record<string, CatalogueEntry>;
