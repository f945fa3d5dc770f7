import { deploymentsPrefix, ownPrefix, specificationsPrefix } from '../../core/model/consul-names.ts';
import type { ConsulRight } from '../../core/model/consul-right.ts';
import { type KvKey, kvKey } from '../../core/model/ids.ts';
import { AppError } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { Answer, ConsulClient } from './consul-client.ts';
import { type RegistryReading, readRegistry } from './read-registry.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import { isFrom, limitsOfVersion } from './transaction-limits.ts';
import { tryWrites, type WriteRefusals } from './try-writes.ts';

/** What was looked at: a right, or something else that the daemon needs. */
export type ConsulCheckName = ConsulRight | 'address' | 'token' | 'commit' | 'canaries';

/** One thing that the daemon needs of Consul, and whether it has it. */
export interface ConsulCheck {
  readonly name: ConsulCheckName;
  /** `warning`: the daemon does without it. `skipped`: something that it builds on failed. */
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found. */
  readonly message: string;
  /** What to do; undefined when nothing has to be done, or when only the right of this name has to be given. */
  readonly remedy?: string;
}

export interface DiagnosisRequest {
  readonly client: ConsulClient;
  readonly identity: RegistryIdentity;
  /** The Consul services to be registered; any name must do when undefined. */
  readonly services?: readonly string[];
  /** False where what was deployed is not recorded; default true. */
  readonly history?: boolean;
  /** Whether a namespace or partition is configured: those of Consul's own servers are in the default ones. */
  readonly scoped: boolean;
  readonly now: () => number;
  /** A UUID of this diagnosis: names that nobody else uses are made of it. */
  readonly id: string;
}

/** What a check found; the order of the table of checks is that of the answers. */
type Finding = Omit<ConsulCheck, 'name'>;

const ok = (message: string): Finding => ({ status: 'ok', message });
const failed = ({ message, remedy }: Pick<Problem, 'message' | 'remedy'>): Finding => ({ status: 'failed', message, remedy });
/** A right that is missing: the remedy is its rule. */
const denied = (message: string): Finding => ({ status: 'failed', message });

/**
 * Tries everything that the daemon does in Consul, beside a running one: what is written is seen by nobody, and no key, node
 * or service of anyone is touched. Rejects on abort only.
 */
export async function diagnoseConsul(request: DiagnosisRequest, signal: AbortSignal): Promise<readonly ConsulCheck[]> {
  const found = new Map<ConsulCheckName, Finding>();
  const check = async (name: ConsulCheckName, needs: readonly ConsulCheckName[], work: () => Promise<Finding>): Promise<void> => {
    const blocked = needs.flatMap((need) => blockedBy(need, found.get(need)));
    found.set(name, blocked[0] ?? (await caught(work, signal)));
  };
  const { client, identity, history = true } = request;
  await check('address', [], () => checkAddress(client, signal));
  await check('token', ['address'], () => checkToken(request, signal));
  const isBlocked = blockedBy('token', found.get('token')).length > 0;
  const writes: WriteRefusals = isBlocked ? new Map() : await tryWrites(request, signal);
  await check('agent', ['token'], () => checkVersion(client, signal));
  await check('nodes', ['token'], async () => shown(request, 'nodes', await client.listNodes('', signal)));
  await check('own-nodes', ['token'], async () => writable(writes, 'own-nodes', 'the nodes of this cluster can be written'));
  await check('services', ['token'], () => checkServices(request, { writes, nodes: found.get('nodes') }, signal));
  await check('pool-keys', ['token'], () => checkKeys(request, { right: 'pool-keys', writes, prefix: deploymentsPrefix }, signal));
  const ofHistory = { right: 'history-keys', writes, prefix: specificationsPrefix } as const;
  if (history) await check('history-keys', ['token'], () => checkKeys(request, ofHistory, signal));
  const own = (keyPath: string): KvKey => ownPrefix(keyPath, identity.cluster);
  await check('own-keys', ['token'], () => checkKeys(request, { right: 'own-keys', writes, prefix: own }, signal));
  await check('sessions', ['token'], () => checkSession(request, signal));
  await check('commit', ['own-keys'], () => checkCommit(request, signal));
  await check('canaries', ['nodes', 'services', 'pool-keys', 'history-keys', 'own-keys'], async () =>
    canaries(await readRegistry({ client, identity, leads: true, history }, signal), identity),
  );
  return [...found].map(([name, finding]) => ({ name, ...finding }));
}

/** Nothing can be told of what builds on a check that failed, or that was skipped itself. */
function blockedBy(name: ConsulCheckName, finding: Finding | undefined): readonly Finding[] {
  if (finding?.status === 'skipped') return [finding];
  return finding?.status === 'failed' ? [{ status: 'skipped', message: `not tried, since ${name} failed` }] : [];
}

async function caught(work: () => Promise<Finding>, signal: AbortSignal): Promise<Finding> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
    const { code, message } = error.problem;
    return code === 'CONSUL_FORBIDDEN' ? denied(message) : failed(error.problem);
  }
}

async function checkAddress(client: ConsulClient, signal: AbortSignal): Promise<Finding> {
  const leader = await client.readLeader(signal);
  if (leader === undefined) return failed(problem('CONSUL_UNAVAILABLE', `Consul at ${client.address} has no leader`));
  return ok(`Consul answers at ${client.address}; its leader is ${leader}`);
}

const ANONYMOUS = '00000000-0000-0000-0000-000000000002';
const EXPIRES_SOON_MS = 24 * 3_600_000;

async function checkToken({ client, now }: DiagnosisRequest, signal: AbortSignal): Promise<Finding> {
  const token = await client.readToken(signal).catch((error: unknown) => {
    // Every token may read itself: whatever is refused here is not known at all.
    if (!(error instanceof AppError) || error.problem.code !== 'CONSUL_FORBIDDEN') throw error;
    const remedy =
      'Put the SecretID of a token into the file of `consul.tokenFile`; this one was deleted, has expired, or is of another Consul.';
    throw new AppError(problem('CONSUL_REFUSED', `Consul does not know the token (${error.problem.message})`, { remedy }));
  });
  if (token === undefined)
    return { status: 'warning', message: 'ACLs are off', remedy: 'Whoever reaches Consul can change it: turn ACLs on.' };
  const { accessor, description, expires } = token;
  if (accessor === ANONYMOUS) {
    return {
      status: 'warning',
      message: 'the anonymous token is used, which Consul does not tell what it leaves out',
      remedy: 'Set `consul.tokenFile`.',
    };
  }
  const title = `the token is ${accessor}${description === '' ? '' : ` (${description})`}`;
  if (expires === undefined) return ok(`${title} and does not expire`);
  const until = `${title} and expires at ${expires}`;
  if (Date.parse(expires) - now() > EXPIRES_SOON_MS) return ok(until);
  return { status: 'warning', message: until, remedy: 'Write a new token into its file: it is read anew for each request.' };
}

/** The header X-Consul-Results-Filtered-By-ACLs came with Consul 1.11. */
const FILTERED_IS_TOLD = 11;

async function checkVersion(client: ConsulClient, signal: AbortSignal): Promise<Finding> {
  const version = await client.readVersion(signal);
  const { operations } = limitsOfVersion(version ?? '');
  if (version === undefined) {
    return { status: 'warning', message: `the version is not told: a transaction is taken to hold ${operations} operations` };
  }
  const message = `Consul is of version ${version}: a transaction takes ${operations} operations`;
  if (isFrom(version, FILTERED_IS_TOLD)) return ok(message);
  const remedy = `Consul 1.${FILTERED_IS_TOLD} and later tell when they leave out what a token may not read; before, a right to read may be missing unseen.`;
  return { status: 'warning', message, remedy };
}

function shown({ scoped }: DiagnosisRequest, what: 'nodes' | 'services', { value, filtered }: Answer<readonly unknown[]>): Finding {
  if (filtered) return denied(`Consul leaves out ${what} that the token may not read`);
  // Consul's servers are nodes themselves, and a service: whoever sees none may see none.
  return value.length === 0 && !scoped ? denied(`Consul shows no ${what} at all`) : ok(`all ${what} are shown: ${value.length}`);
}

function writable(writes: WriteRefusals, right: ConsulRight, message: string): Finding {
  const refused = writes.get(right);
  return refused === undefined ? ok(message) : 'denied' in refused ? denied(refused.denied) : failed(refused.problem);
}

async function checkServices(
  request: DiagnosisRequest,
  { writes, nodes }: { readonly writes: WriteRefusals; readonly nodes: Finding | undefined },
  signal: AbortSignal,
): Promise<Finding> {
  const { client, services } = request;
  const names = services === undefined ? 'services of any name' : `the ${services.length} services of the specs`;
  const written = writable(writes, 'services', `${names} can be written`);
  if (written.status !== 'ok') return written;
  // Consul shows no service without a node that it is on.
  const blocked = blockedBy('nodes', nodes)[0];
  if (blocked !== undefined) return blocked;
  const listed = await client.listServices({}, signal);
  const read = shown(request, 'services', { ...listed, value: [...listed.value.keys()] });
  return read.status === 'ok' ? ok(`${written.message}, and ${read.message}`) : read;
}

async function checkKeys(
  { client, identity, id }: DiagnosisRequest,
  { right, writes, prefix }: { readonly right: ConsulRight; readonly writes: WriteRefusals; readonly prefix: (keyPath: string) => KvKey },
  signal: AbortSignal,
): Promise<Finding> {
  const folder = prefix(identity.keyPath);
  // Lists of keys that may not be read are empty; a single one is refused.
  await client.readKey({ key: kvKey(`${folder}doctor-${id}`) }, signal);
  return writable(writes, right, `keys under ${folder} can be read and written`);
}

/** The least that Consul takes. */
const SESSION_TTL_MS = 10_000;

async function checkSession({ client, identity, id }: DiagnosisRequest, signal: AbortSignal): Promise<Finding> {
  const name = `poolkeeper ${identity.cluster} doctor ${id}`;
  const session = await client.createSession({ name, ttlMs: SESSION_TTL_MS, lockDelayMs: 0 }, signal);
  try {
    await client.renewSession(session, signal);
  } finally {
    await client.destroySession(session, signal);
  }
  return ok('a session can be made, renewed and ended');
}

/** Makes a key and deletes it in one transaction, so that nothing is left however this ends. */
async function checkCommit({ client, identity, id }: DiagnosisRequest, signal: AbortSignal): Promise<Finding> {
  const Key = `${ownPrefix(identity.keyPath, identity.cluster)}doctor-${id}`;
  const outcome = await client.transact([{ KV: { Verb: 'cas', Key, Value: '', Index: 0 } }, { KV: { Verb: 'delete', Key } }], signal);
  if (outcome.kind === 'applied') return ok('a transaction is applied');
  if (outcome.kind === 'failed') return failed(outcome.problem);
  const why = outcome.kind === 'refused' ? outcome.errors.map(({ what }) => what).join('; ') : outcome.text;
  return failed(problem('CONSUL_REFUSED', `a transaction is refused: ${why}`));
}

function canaries({ state, missing, canaryTaken, clash }: RegistryReading, { cluster }: RegistryIdentity): Finding {
  if (clash !== undefined) return failed(clash);
  if (canaryTaken) return failed(problem('CONSUL_NODE_TAKEN', `the canary node of cluster ${cluster} belongs to someone else`));
  const nodes = [...state.nodes.values()].filter(({ ours }) => ours).length;
  const size = `all that is ours is shown: ${nodes} nodes, ${state.instances.size} pools, ${state.kv.size} keys`;
  if (missing.size === 0) return ok(`${size}, and the canaries`);
  return ok(`${size}; the leader has yet to write its canaries (${[...missing.keys()].join(', ')})`);
}
