import { HEALTH_MODES } from '../core/model/settings.ts';
import { DRR_STRATEGIES } from '../core/model/translation-policy.ts';
import * as kind from './kinds.ts';
import { LOG, METRICS, TRACING } from './log-options.ts';
import { HOOKS, NOTIFY } from './notify-options.ts';
import { option, optional, required } from './option.ts';
import { TRAEFIK_CATALOG, TRAEFIK_KNOWN, TRAEFIK_PROBE } from './traefik-options.ts';

/**
 * Every option, in the shape of the configuration. The name of an option in YAML is its path here, less the unit at the end of
 * a duration (`git.intervalMs` is written `git.interval`); environment variable and flag follow from it.
 */
export const OPTIONS = {
  owner: option(
    kind.ownerId,
    'poolkeeper',
    'Marks what is ours in Kubernetes and Consul. Two daemons with different owners, and different `cluster` names, leave each other alone.',
  ),
  cluster: required(
    kind.id,
    'Names this Kubernetes cluster in Consul. Must differ between clusters, and between owners, that share one Consul.',
  ),
  registration: option(
    kind.choice('catalog', 'kv', 'both'),
    'both',
    'Who registers the backends: the daemon in the catalog, agents that read the KV tree (kv), or the daemon, with the tree kept for others (both). Pools that agents register already stay with them until `poolkeeper migrate`.',
  ),
  git: {
    url: required(
      kind.gitUrl,
      'The repository that holds the specs: an https, ssh, git or file URL, or an absolute path. Each of several repositories has a daemon of its own, with another `owner` and `cluster`.',
    ),
    ref: option(kind.text, 'main', 'The branch that is followed.'),
    tag: optional(kind.text, 'A tag that is followed instead of the branch.'),
    semver: optional(
      kind.text,
      'A range of versions, as npm writes them, such as ">=1.2 <2": of the tags that fit it (v1.2.3 or 1.2.3) the highest is followed instead of the branch.',
    ),
    commit: optional(kind.commitId, 'One commit that is read instead of the head of the branch, as long as the branch reaches it.'),
    root: option(kind.folder, '', 'The folder of the repository that holds the specs; empty for all of it.'),
    include: option(
      kind.list(kind.text),
      [],
      'Globs over the path below the root, such as prod/**: only files that one of them takes are read. Empty for all.',
    ),
    exclude: option(kind.list(kind.text), [], 'Globs over the path below the root: files that one of them takes are not read.'),
    shallow: option(
      kind.bool,
      false,
      'Fetch the newest commit without its history. A trailer that allows removals then counts in the newest commit only, and a forced push goes unnoticed.',
    ),
    fastForwardOnly: option(
      kind.bool,
      false,
      'Take no head that does not descend from the commit in force, as after a forced push. Nothing is removed meanwhile. A start without the former `git.mirrorDir` goes by what Consul tells of the last commit that was applied as a whole; a head that had to be taken while Consul was away is judged when it answers. Set it with `git.tag` and `git.semver` too: tags can be moved.',
    ),
    verify: option(
      kind.choice('none', 'head', 'range'),
      'none',
      'Which commits must be signed by a key of the next two options: none, the one that is read (head), or every one after the commit in force as well (range; where neither the mirror nor Consul tells which that was, the head alone). The signatures of tags are not looked at, but those of the commits that they name. Otherwise the last verified commit stays in force, and nothing is removed meanwhile.',
    ),
    allowedSignersFile: optional(
      kind.file,
      'File with the SSH keys whose signatures count, in the format ALLOWED SIGNERS of ssh-keygen(1); needs the program ssh-keygen. valid-before of a key is held against the date that a commit tells of itself, which whoever has the key can choose: take a key that must not count any more out of the file.',
    ),
    openpgpKeysFile: optional(kind.file, 'File with the OpenPGP public keys whose signatures count; needs the program gpg.'),
    username: optional(kind.text, 'The user name for an https repository.'),
    passwordFile: optional(kind.secretFile, 'File with the password or token for the repository.'),
    intervalMs: option(kind.duration, '30s', 'How often the repository is asked for a new head.'),
    jitter: option(kind.share, 0.1, 'How much that interval varies: 0.1 is ten percent up or down.'),
    timeoutMs: option(kind.duration, '60s', 'The longest one git command may take; a fetch may take ten times as long.'),
    mirrorDir: optional(
      kind.directory,
      'Where the local mirror is kept; default a temporary directory, which is fetched anew at each start. Commands such as plan fetch into one of their own.',
    ),
    sslCaFile: optional(kind.file, 'PEM file with the certificate authorities of the Git server.'),
    certFile: optional(kind.file, 'PEM file with the client certificate for an https repository.'),
    keyFile: optional(kind.file, 'PEM file with the key of the client certificate.'),
    proxy: optional(
      kind.proxyUrl,
      'The proxy to an http or https repository, such as http://proxy:3128 or socks5h://proxy:1080; default what http_proxy, https_proxy and no_proxy of the environment say.',
    ),
    sshKeyFile: optional(
      kind.file,
      'The private key for an ssh repository, without a passphrase; needs `git.knownHostsFile`. Default the keys of the ssh agent and of the account.',
    ),
    knownHostsFile: optional(
      kind.file,
      'The host keys of the Git server, as in ~/.ssh/known_hosts; no other is trusted. With it or `git.sshKeyFile` the ssh configuration of the machine takes no part.',
    ),
    sshCommand: optional(
      kind.text,
      'The whole ssh command for ssh repositories, instead of the two options before, such as "ssh -i /keys/id -J jump.example.com".',
    ),
  },
  specs: {
    defaultNamespace: option(kind.namespaceName, 'default', 'The namespace of objects that name none.'),
    namespaceFromFolder: option(kind.bool, false, 'Whether the first folder under the root names the namespace of objects that name none.'),
  },
  kubernetes: {
    kubeconfig: optional(
      kind.file,
      'The kubeconfig file; default as kubectl: KUBECONFIG, then ~/.kube/config, then the service account of the Pod.',
    ),
    context: optional(kind.text, 'The context of the kubeconfig; default its current one.'),
    inCluster: option(kind.bool, false, 'Use the service account of the Pod and nothing else.'),
    allowExec: option(
      kind.bool,
      false,
      'Let the kubeconfig start a program to log in, or use an auth provider: it then decides what this process runs.',
    ),
    adoptFrom: option(
      kind.list(kind.text),
      ['kubectl-client-side-apply', 'kubectl', 'helm', 'OpenAPI-Generator', 'Swagger-Codegen'],
      'Field managers whose fields become ours when an object is adopted.',
    ),
    allowAdopt: option(
      kind.bool,
      false,
      'Adopt existing objects that are not ours without asking for the annotation poolkeeper.dev/adopt.',
    ),
    dryRun: option(
      kind.bool,
      true,
      'Try all changes of a spec by a dry run before any of them is applied, so that it is applied wholly or not at all.',
    ),
    createNamespaces: option(kind.bool, false, 'Create namespaces that specs use and that do not exist. They are never deleted.'),
    timeoutMs: option(kind.duration, '30s', 'The longest one request to the API server may take.'),
  },
  lease: {
    namespace: option(kind.namespaceName, 'default', 'The namespace of the Lease when the daemon does not run in a Pod.'),
  },
  consul: {
    address: option(kind.httpUrl, 'http://127.0.0.1:8500', 'The HTTP API of Consul.'),
    tokenFile: optional(kind.secretFile, 'File with the ACL token.'),
    caFile: optional(kind.file, 'PEM file with the certificate authorities of Consul.'),
    certFile: optional(kind.file, 'PEM file with the client certificate.'),
    keyFile: optional(kind.file, 'PEM file with the key of the client certificate.'),
    serverName: optional(kind.text, 'The name that the certificate of Consul must carry; default the host of the address.'),
    namespace: optional(kind.namespaceName, 'Consul Enterprise: the namespace of everything of ours but nodes; default that of the token.'),
    partition: optional(kind.namespaceName, 'Consul Enterprise: the admin partition of everything of ours; default that of the agent.'),
    keyPath: option(kind.keyPath, 'kubernetes', 'The folder of the KV store under which everything is kept.'),
    nodePrefix: option(kind.namePrefix, 'k8s-', 'How the names of the Consul nodes that stand for Kubernetes nodes begin.'),
    sharedService: option(
      kind.bool,
      false,
      'Whether a Consul service may be registered together with other clusters that say so too, so that Traefik spreads requests over all of them. Routers and middlewares then carry the name of the cluster. Give each cluster another `cluster` and `consul.keyPath`.',
    ),
    timeoutMs: option(kind.duration, '10s', 'The longest one request to Consul may take; a long poll may take its wait time more.'),
  },
  traefik: {
    dialect: option(kind.choice('v1', 'v3', 'both'), 'both', 'The Traefik generations that tags are written for.'),
    entryPoints: option(
      kind.entryPoints,
      { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } },
      'The Traefik 3 entry point for each name that Traefik 1 tags use, whether it serves TLS, and, for redirections to it, its port where clients use another than 80 or 443. In the environment: YAML in one line.',
    ),
    strict: option(kind.bool, false, 'Whether a Traefik 1 tag that Traefik 3 can say only nearly is an error instead of a warning.'),
    domain: optional(kind.text, 'The option consulCatalog.domain of Traefik 1, which rules use as {{.Domain}}.'),
    frontEndRule: optional(
      kind.text,
      'The option consulCatalog.frontEndRule of Traefik 1, by default "Host:{{.ServiceName}}.{{.Domain}}": the rule of Services whose tags name none. Not set: they are left to the defaultRule of Traefik 3.',
    ),
    drrStrategy: optional(
      kind.choice(...DRR_STRATEGIES),
      'What Traefik 3 does where Traefik 1 balances by drr: wrr, p2c (from 3.4) or leasttime (from 3.6). Not set: drr is an error.',
    ),
    forwardedDepth: optional(
      kind.count(1, 32),
      'How many trusted proxies before Traefik add to X-Forwarded-For. Not set: the Traefik 1 tag frontend.whiteList.useXForwardedFor is an error.',
    ),
    letGoMs: option(
      kind.durationOrZero,
      '20s',
      'The longest time until Traefik has dropped a deregistered backend. While its API is not watched, a NodePort stays open for so long, and for the drain after it; a watched one that takes longer is named.',
    ),
    refresh: optional(
      kind.catalogRefresh,
      'How Traefik 3 learns of changes in Consul: its refreshInterval, or "watch" where it has `watch: true`. A replica of `traefik.api` that answers and has not followed within 1.75 of these (at least 3.5s, at most `traefik.letGo`) is named; one that watches is nudged as well, by a touch of a check in Consul. Not set: `traefik.letGo` counts.',
    ),
    catalog: TRAEFIK_CATALOG,
    known: TRAEFIK_KNOWN,
    probe: TRAEFIK_PROBE,
    api: optional(
      kind.gatewayReplicas,
      'The Traefik 3 replicas whose APIs are asked what they serve, all with the same static configuration: a list of {name, url}, each also with username and passwordFile (basic authentication), caFile (PEM file with its certificate authorities) or insecureSkipVerify: true (its certificate is not checked). Not set: Traefik is not watched. In the environment: YAML in one line.',
    ),
  },
  pool: {
    addressTypes: option(
      kind.list(kind.choice('InternalIP', 'ExternalIP', 'Hostname')),
      ['InternalIP', 'ExternalIP', 'Hostname'],
      'The kinds of node address that may be used, the preferred one first.',
    ),
    addressFamily: option(
      kind.choice('IPv4', 'IPv6'),
      'IPv4',
      'The family of the address; nodes may have both. A Service without this family has no backends.',
    ),
    nodes: option(
      kind.labelSelector,
      '',
      'A label selector, such as "pool=edge,zone!=b": only nodes that match are backends. Empty for all.',
    ),
    controlPlane: option(kind.bool, false, 'Whether control plane nodes are backends too.'),
    graceMs: option(
      kind.durationOrZero,
      '10s',
      'How long a node must be ready, and out of its pools, before it comes back; twice that when it left again within this time.',
    ),
    openMs: option(
      kind.durationOrZero,
      '1s',
      'How long the nodes may take to listen on a new NodePort, as long as kube-proxy leaves between two syncs at least: a pool in traffic moves to it after that. 0s: at once.',
    ),
    maxBackends: optional(kind.count(1, 10_000), 'The most backends of one pool; default as many as fit into one Consul transaction.'),
    minBackends: option(kind.count(0, 10_000), 1, 'No pool is brought below so many backends. A Service may set its own.'),
    health: option(
      kind.choice(...HEALTH_MODES),
      'node',
      'How the health of backends is judged: by Kubernetes alone ("node"), also by whether anything is ready behind the Service ("endpoints"), or by consul-esm ("esm"). A Service may say its own.',
    ),
    drainingTaints: option(
      kind.list(kind.text),
      [
        'ToBeDeletedByClusterAutoscaler',
        'karpenter.sh/disrupted',
        'node.kubernetes.io/out-of-service',
        'node.cloudprovider.kubernetes.io/shutdown',
      ],
      'Taints that say that a node is about to go, as key or key:effect.',
    ),
  },
  drain: {
    seconds: option(
      kind.count(0, 86_400),
      10,
      'Seconds left to requests in flight after Traefik has let go of a backend. A Service may set its own.',
    ),
    onCordon: option(kind.bool, true, 'Whether a cordoned node leaves its pools.'),
    maxWaitMs: option(
      kind.durationOrZero,
      '2m',
      'How long a drain waits for a Traefik of `traefik.api` that does not answer; then it counts by `traefik.letGo`.',
    ),
    api: option(
      kind.bool,
      true,
      'Whether `poolkeeper drain` and `undrain`, and the page, may mark nodes; the daemon then needs the right to patch nodes.',
    ),
  },
  guard: {
    windowMs: option(kind.duration, '10m', 'Removals of this time are counted together.'),
    maxRemovedPools: optional(
      kind.removalLimit,
      'The most pools that may be removed within the window: a number or a percentage; default the larger of 2 and 10%.',
    ),
    maxRemovedObjects: optional(
      kind.removalLimit,
      'The most Kubernetes objects that may be removed within the window: a number or a percentage; default the larger of 2 and 10%.',
    ),
  },
  interval: {
    fullCompareMs: option(kind.duration, '5m', 'How often everything is compared anew, whether or not something told of a change.'),
    jitter: option(kind.share, 0.1, 'How much that interval varies: 0.1 is ten percent up or down.'),
  },
  resync: {
    schedule: optional(kind.cronExpression, 'When everything is read and compared anew, as a cron expression, beside the interval.'),
    timezone: optional(kind.timeZone, 'The time zone of that schedule; default that of the process.'),
  },
  http: {
    listen: option(
      kind.listenAddress,
      '127.0.0.1:8080',
      'Where status, metrics and API are served. An address others can reach needs a token.',
    ),
    advertise: optional(
      kind.httpUrl,
      'Where other replicas reach that; default the address it is served at, or the first one of the machine when it is served at all.',
    ),
    tokenFile: optional(kind.secretFile, 'File with the bearer token that requests to change something must carry.'),
    allowedHosts: option(
      kind.list(kind.hostName),
      [],
      'Names beside those of loopback, such as that of a proxy, by which requests may ask for it while there is no token: against web pages that have a name of theirs lead to this machine.',
    ),
  },
  hooks: HOOKS,
  notify: NOTIFY,
  log: LOG,
  tracing: TRACING,
  metrics: METRICS,
} as const;
