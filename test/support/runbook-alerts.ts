/** What stands in the runbook for one alert, in Markdown. */
export interface AlertText {
  readonly means: string;
  /** In order: the first that tells something ends the search. */
  readonly look: readonly string[];
  readonly act: readonly string[];
}

/** By the name of the alert, in the order of the runbook. */
export const ALERT_TEXTS: Readonly<Record<string, AlertText>> = {
  PoolEmpty: {
    means:
      'No backend of a pool passes in Consul, or Traefik serves none: requests to its routes fail. poolkeeper itself never takes the last ones out, so something else is broken: the pods, the nodes, or Traefik. A new pool has ten minutes. An application that is scaled to zero on purpose fires it, too: give its Service `poolkeeper.dev/register: "false"`.',
    look: [
      '`poolkeeper why NAMESPACE/SERVICE`: the first broken link, from the commit to the probe.',
      '`kubectl get pods,endpointslices --namespace NAMESPACE`: are there ready pods?',
      '`kubectl get nodes`, and `poolkeeper status`: which nodes are out, and why.',
    ],
    act: [
      'The state is `passing`: mend the pods, or take the last commit back (`git revert`); a new commit replaces a roll-out at once.',
      'The state is `serving`, and the backends pass: see [TraefikDisagrees](#traefikdisagrees).',
    ],
  },
  PoolBelowFloor: {
    means:
      'Fewer backends pass, or are served, than `pool.minBackends` or `poolkeeper.dev/min-backends` asks for. No wish (drain, cordon, taint) takes out more; these nodes have failed, or there never were enough.',
    look: ['`poolkeeper why NAMESPACE/SERVICE --all`: every node with its reason.', '`poolkeeper why NODE` for a node that should be in.'],
    act: [
      'Bring nodes back: `poolkeeper undrain NODE`, `kubectl uncordon NODE`, or mend what makes them NotReady.',
      'Do not drain further nodes before.',
      'Where the site has fewer nodes than the floor, lower the floor.',
    ],
  },
  HoldActive: {
    means:
      'The guard keeps removals back: more would go at once than is allowed, or it is not sure that they are meant. What is held goes on serving and following its nodes. The label `reason` is a code that is explained below.',
    look: ['`poolkeeper status`: what is held, and what releases it.', '`git log` of the repository: is the removal meant?'],
    act: [
      'It is meant: `poolkeeper approve` lists what is held, and tells how to release exactly that.',
      'Or commit with the trailer `Poolkeeper-Allow-Removal: N`, N the number of pools named. An empty commit will do (`git commit --allow-empty`).',
      'It is not: put the files back (`git revert`).',
      'The reason is `BROKEN_SPEC_MAY_OWN`: mend the broken files.',
    ],
  },
  TraefikDisagrees: {
    means:
      'A replica of Traefik does not follow Consul (`behind`, `frozen`), makes other routes of it than the others (`differs`), or the pool has fewer servers in Traefik than pass in Consul. Commits and drains wait for it.',
    look: [
      '`poolkeeper status`: what each replica lacks, or still has.',
      'The log of that Traefik, for errors of the provider consulCatalog and for tags that it refuses.',
      '`curl TRAEFIK/api/rawdata`: what it serves.',
    ],
    act: [
      '`behind`, `frozen`: see that this Traefik reaches Consul and that its token is valid; then restart it. Its neighbours serve meanwhile.',
      '`differs`: give all replicas the same static configuration.',
      'A pool is not served at all: see that the provider’s `constraints`, `prefix` and `exposedByDefault` let it in.',
    ],
  },
  NoSuccessfulSync: {
    means:
      'A leg has not been read in full, or one of its actions has failed each time, for more than 15 minutes. What serves goes on serving. While Git is away the pools still follow their nodes; while Consul is away nothing enters or leaves them.',
    look: [
      '`curl http://127.0.0.1:8080/readyz?verbose`: which source does not answer, in its own words.',
      '`poolkeeper status`: which action fails, with its code.',
      'The log, lines with `event: problem`.',
    ],
    act: ['Do what stands below for the code. The daemon goes on by itself as soon as it can; it needs no restart.'],
  },
  GitAheadOfCluster: {
    means:
      'A spec has differed from what runs for more than ten minutes: it waits for a roll-out, for another spec or for Traefik, an action fails, or something is still leaving. Broken, suspended and held specs and conflicts have alerts of their own.',
    look: [
      '`poolkeeper status`: the specs that are `failed`, `waiting`, `changing` or `leaving`, and what each waits for.',
      '`poolkeeper why NAMESPACE/SERVICE`.',
    ],
    act: [
      '`failed`: do what stands below for its code.',
      '`waiting` for a roll-out: look at the pods; a large one may take that long, then the alert ends by itself.',
      '`changing`: see [TraefikDisagrees](#traefikdisagrees).',
      '`leaving`: a drain that does not end names the replica of Traefik that holds on.',
    ],
  },
  RouteConflict: {
    means:
      'Routes of two pools collide: Traefik would drop, mix or arbitrarily choose between them. A newcomer is set aside before it is written (`ROUTE_CONFLICT`); what collides in Consul already is only told (`ROUTE_CONFLICT_STANDS`).',
    look: ['`poolkeeper status`: both sides, and a request that both would take.', '`poolkeeper why URL` for that request.'],
    act: [
      'Give one of the two another rule, priority or name. The message says which tag.',
      'The other side is a stranger’s: talk to its owner; its instances are never touched.',
    ],
  },
  OwnerConflict: {
    means:
      'Two writers claim the same thing; the label `kind` says what. Nothing of the other one is changed or deleted, and ours waits. `object`, `consul-service`: two specs. `foreign-…`: somebody outside of this repository. `agents`: Consul agents register the pool as well. `cluster`: another cluster or owner uses the same `cluster` name in Consul.',
    look: ['`poolkeeper status`: the thing, and who has it.', '`poolkeeper plan`: what taking it over would change.'],
    act: [
      'Rename ours, or have the other one let go.',
      'It should be ours: `poolkeeper.dev/adopt: "true"` on the object.',
      '`agents`: move the pool to the catalog by `poolkeeper migrate`, without a lost request.',
      '`cluster`: give every Kubernetes cluster its own `cluster` name.',
    ],
  },
  SpecBroken: {
    means:
      'Files under the spec root cannot be read as specs. Their last good version goes on running; while any file is broken, nothing is removed that it may own.',
    look: [
      '`poolkeeper status`: file, line and column.',
      '`poolkeeper validate FOLDER` in a clone: everything that is wrong, with the place.',
    ],
    act: ['Mend the files, or take the commit back.', 'Have the build server run `poolkeeper validate`, so that it does not come again.'],
  },
  WritesAtRest: {
    means:
      'There was something to write in every moment of half an hour, and no commit asked for it. Somebody undoes what poolkeeper does, or nodes or pods come and go all the time. At rest nothing is written.',
    look: [
      'The log, lines with `event: action`: the same action on the same object again and again, and the fields that change.',
      '`kubectl get OBJECT --show-managed-fields --output yaml`: who else writes these fields.',
      '`kubectl get events --field-selector involvedObject.kind=Node`: a node that flaps.',
    ],
    act: [
      'Have the other writer leave these fields alone, or leave them out of the spec.',
      'A node flaps: drain it (`poolkeeper drain NODE`) until it is mended.',
    ],
  },
  LeaderMissing: {
    means:
      'No replica holds the lease in Consul, or none is scraped. Nobody registers or deregisters: a node that fails now stays in traffic. Traefik serves what it knows.',
    look: [
      '`kubectl --namespace poolkeeper get pods`, or the service on the control host: does a replica run?',
      '`curl http://127.0.0.1:8080/readyz?verbose` on each.',
      '`consul operator raft list-peers`: has Consul a leader?',
      '`poolkeeper doctor consul`: may the token hold a session and write the key of the leader?',
    ],
    act: [
      'Start a replica; mend Consul; give the token its rights.',
      '`CONSUL_CLUSTER_CLASH` in the status: two clusters have one name. Rename one.',
      'The daemon never takes a lease by force, and neither should you: an old session ends by itself within 20 s.',
    ],
  },
  SnapshotStale: {
    means:
      'A replica does not know all of a source: its watch broke, a list failed, or it has never answered. Nothing is removed that this source would have to agree to.',
    look: [
      '`curl http://127.0.0.1:8080/readyz?verbose` on the instance named: the reason.',
      '`poolkeeper status`: the age of each source.',
    ],
    act: [
      'Do what stands below for the code of the reason.',
      '`objects:KIND`: mostly a missing right; `poolkeeper rbac` prints all of them.',
      '`traefik:REPLICA`: this Traefik does not answer. It is gone for good: take it out of `traefik.api`.',
    ],
  },
  CertificateOrTokenFailing: {
    means:
      'A server refuses our credentials, or its certificate or ours is not accepted. The label `code` is one of the codes below, or `401` or `tls` from the leg named.',
    look: [
      '`poolkeeper status`: the answer of the server.',
      '`poolkeeper doctor consul`: what the token may and may not.',
      '`openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -dates -issuer`: is the certificate valid?',
    ],
    act: [
      'Write the new token or password into the file that the option names. It is read again by itself: no restart.',
      'Certificate authorities and client certificates of Consul and Traefik are read at the start: restart the replicas, standby first.',
      'Rights are missing: `poolkeeper doctor consul --policy`, `poolkeeper rbac`.',
    ],
  },
  CommitsTooSlow: {
    means:
      'Of the last commits more took longer than 30 s to be in traffic than the objective allows (99 % within 30 s), and at least three did.',
    look: [
      '`poolkeeper_sync_latency_seconds` by `stage`, in the dashboard *Overview*: which stage has grown?',
      'The log, lines with `event: run`: how long runs take.',
    ],
    act: [
      '`fetch`: the Git server is slow, or there is no webhook and `git.interval` is long.',
      '`rollout`: the pods take long to be ready: images, probes, nodes.',
      '`kubernetes`, `consul`: these servers are slow; look at their own metrics.',
      '`traefik`: `providersThrottleDuration` and the provider’s `refreshInterval`, or a replica that is behind.',
    ],
  },
};
