import type { RegistryAction } from '../../core/model/action.ts';
import type { Fence, RegistryResult } from '../../core/model/ports.ts';
import type { RegistryState } from '../../core/model/registration.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import type { ConsulClient } from './consul-client.ts';
import type { TransactionError } from './decode-answer.ts';
import { type AppliedWrite, pairResults, showsWrite } from './fold-writes.ts';
import { mapLimited } from './map-limited.ts';
import { fits, type PreparedAction, packActions, prepareAction, sizeOf } from './pack-actions.ts';
import { fenceOperation } from './registry-write.ts';
import type { TransactionLimits } from './transaction-limits.ts';

/** What a commit needs of the registry around it. */
export interface CommitContext {
  readonly client: ConsulClient;
  /** Flags of our KV entries. */
  readonly flags: number;
  readonly limits: () => TransactionLimits;
  /** Called when Consul refused this size; learns smaller limits. */
  readonly learnLimits: (sent: TransactionLimits, answer: string) => void;
  /** The known state; undefined while the registry is unavailable. */
  readonly state: () => RegistryState | undefined;
  readonly fold: (writes: readonly AppliedWrite[]) => void;
  /** Reads everything again; true when that gave a whole answer. */
  readonly refresh: (signal: AbortSignal) => Promise<boolean>;
  /** Has everything read again soon. */
  readonly refreshSoon: () => void;
  /** Nodes of ours with instances of others on them. */
  readonly isShared: (consulNode: string) => boolean;
}

/** Transactions under way at the same time. */
const PARALLEL_TRANSACTIONS = 4;

/**
 * Executes the actions in fenced transactions, as few as the limits allow; the results stand in the order of the actions.
 * Nodes come first and go last, so that a pool may name a node of the same commit.
 */
export async function commitActions(
  request: { readonly actions: readonly RegistryAction[]; readonly fence: Fence; readonly context: CommitContext },
  signal: AbortSignal,
): Promise<readonly RegistryResult[]> {
  const { actions, fence, context } = request;
  const commit = new Commit(fence, context, signal);
  const stages = Map.groupBy(actions.entries(), ([, { kind }]) => STAGES.get(kind));
  for (const stage of [0, undefined, 1]) await commit.runAll(prepareAll(stages.get(stage) ?? [], commit, context.flags));
  return actions.map((_, index) => commit.resultOf(index));
}

/** What goes before and after everything else. */
const STAGES: ReadonlyMap<RegistryAction['kind'], number> = new Map([
  ['ensure-node', 0],
  ['delete-node', 1],
]);

/** Takes apart one action after the other, each when there is room for it: together they are far larger than what they were made from. */
function* prepareAll(
  actions: Iterable<readonly [number, RegistryAction]>,
  commit: Commit,
  flags: number,
): Generator<PreparedAction, undefined> {
  for (const [index, action] of actions) {
    const prepared = prepareAction(action, index, flags);
    if (commit.admit(prepared)) yield prepared;
  }
}

class Commit {
  readonly #fence: Fence;
  readonly #context: CommitContext;
  readonly #signal: AbortSignal;
  readonly #results = new Map<number, RegistryResult>();
  /** Set as soon as one transaction was fenced, or Consul could not even be read back: nothing more is sent. */
  #ended: Problem | undefined;

  constructor(fence: Fence, context: CommitContext, signal: AbortSignal) {
    this.#fence = fence;
    this.#context = context;
    this.#signal = signal;
  }

  resultOf(index: number): RegistryResult {
    return this.#results.get(index) ?? { kind: 'failed', problem: problem('INTERNAL', `Action ${index} of a Consul commit has no result`) };
  }

  /** Settles an action that must not be sent at all, or has nothing to send. */
  admit(prepared: PreparedAction): boolean {
    const { action } = prepared;
    if (prepared.operations.length === 0) {
      this.#settle([prepared], { kind: 'done' });
      return false;
    }
    if (action.kind === 'delete-node' && this.#context.isShared(action.name)) {
      // Consul deletes what stands on a node with it.
      const message = `${titleOf(action)}: it holds service instances of someone else`;
      this.#fail([prepared], problem('CONSUL_NODE_TAKEN', message, { remedy: 'Have their owner deregister them; then the node goes.' }));
      return false;
    }
    return true;
  }

  /** Runs the actions in as few transactions as the limits allow. */
  async runAll(actions: Iterable<PreparedAction>): Promise<void> {
    const batches = packActions(actions, () => this.#context.limits());
    await mapLimited(batches, PARALLEL_TRANSACTIONS, (batch) => this.#run(batch));
  }

  async #run(batch: readonly PreparedAction[]): Promise<void> {
    if (this.#ended !== undefined) return this.#fail(batch, this.#ended);
    if (!fits(batch, this.#context.limits())) return this.#failTooLarge(batch);
    const operations = [fenceOperation(this.#fence), ...batch.flatMap((action) => action.operations)];
    const outcome = await this.#context.client.transact(operations, this.#signal);
    switch (outcome.kind) {
      case 'applied':
        return this.#succeed(batch, outcome.results);
      case 'refused':
        return this.#refuse(batch, outcome.errors);
      case 'too-large':
        this.#context.learnLimits(sizeOf(batch), outcome.text);
        if (batch.length === 1) return this.#failTooLarge(batch);
        return this.runAll(batch);
      case 'failed':
        if (outcome.unclear) return this.#readBack(batch, outcome.problem);
        return this.#fail(batch, outcome.problem);
    }
  }

  async #succeed(batch: readonly PreparedAction[], results: Parameters<typeof pairResults>[1]): Promise<void> {
    const applied = pairResults(
      batch.flatMap((action) => action.writes),
      results,
    );
    if (applied !== undefined) this.#context.fold(applied);
    // Without the indexes the next change of these objects would be refused as stale.
    else await this.#context.refresh(this.#signal);
    this.#settle(batch, { kind: 'done' });
  }

  async #refuse(batch: readonly PreparedAction[], errors: readonly TransactionError[]): Promise<void> {
    const fence = errors.find(({ operation }) => operation === 0);
    if (fence !== undefined && !isDenied(fence)) {
      this.#ended = problem('CONSUL_FENCED', `Consul refused the writes: ${fence.what}`);
      return this.#fail(batch, this.#ended);
    }
    if (batch.length > 1) {
      for (const action of batch) await this.#run([action]);
      return;
    }
    const reason = refusal(batch, errors);
    if (reason.code === 'CONSUL_CHANGED') this.#context.refreshSoon();
    this.#fail(batch, reason);
  }

  /** The transaction may or may not have been applied: what Consul shows now decides, action by action. */
  async #readBack(batch: readonly PreparedAction[], reason: Problem): Promise<void> {
    const read = await this.#context.refresh(this.#signal);
    if (!read) this.#ended = reason;
    const state = read ? this.#context.state() : undefined;
    for (const action of batch) {
      const done = state !== undefined && action.writes.every((write) => showsWrite(state, write));
      if (done) this.#settle([action], { kind: 'done' });
      else this.#fail([action], { ...reason, message: `${titleOf(action.action)}: ${reason.message}` });
    }
  }

  #failTooLarge(batch: readonly PreparedAction[]): void {
    const { operations, bytes } = this.#context.limits();
    for (const action of batch) {
      const size = sizeOf([action]);
      const message = `${titleOf(action.action)} takes ${size.operations} operations and ${size.bytes} bytes; Consul takes ${operations} and ${bytes}`;
      this.#fail([action], problem('CONSUL_TOO_LARGE', message));
    }
  }

  #fail(actions: readonly PreparedAction[], reason: Problem): void {
    this.#settle(actions, { kind: 'failed', problem: reason });
  }

  #settle(actions: readonly PreparedAction[], result: RegistryResult): void {
    for (const { index } of actions) this.#results.set(index, result);
  }
}

const isDenied = ({ what }: TransactionError): boolean => /permission denied|acl not found/i.test(what);

/** Words of Consul for an object that is not what was read any more. */
const CHANGED = /index is stale|doesn't exist|missing node registration|missing service registration|is reserved by node/i;

function refusal(batch: readonly PreparedAction[], errors: readonly TransactionError[]): Problem {
  const titles = batch.map(({ action }) => titleOf(action)).join(', ');
  const message = `${titles}: ${errors.map(({ what }) => what).join('; ')}`;
  if (errors.some(isDenied)) return problem('CONSUL_FORBIDDEN', message);
  if (errors.every(({ what }) => CHANGED.test(what))) return problem('CONSUL_CHANGED', message);
  return problem('CONSUL_REFUSED', message);
}

/** What a person calls an action. */
function titleOf(action: RegistryAction): string {
  switch (action.kind) {
    case 'register-pool':
      return `Registering pool ${action.pool}`;
    case 'deregister-pool':
      return `Deregistering pool ${action.pool}`;
    case 'write-kv':
      return `Writing ${action.writes[0]?.key ?? 'nothing'}${action.writes.length > 1 ? ` and ${action.writes.length - 1} keys more` : ''}`;
    case 'ensure-node':
      return `Writing Consul node ${action.node.name}`;
    case 'delete-node':
      return `Deleting Consul node ${action.name}`;
  }
}
