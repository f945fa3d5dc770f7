import type { RegistryAction } from '../../core/model/action.ts';
import { fenceOperation, operationOf, type RegistryWrite, type TransactionOperation, writesOf } from './registry-write.ts';
import type { TransactionLimits } from './transaction-limits.ts';

/** An action ready to be sent. */
export interface PreparedAction {
  /** Its place among the actions of the commit. */
  readonly index: number;
  readonly action: RegistryAction;
  readonly writes: readonly RegistryWrite[];
  readonly operations: readonly TransactionOperation[];
  /** Length of the operations as JSON, with the commas between and behind them. */
  readonly bytes: number;
}

/** What every transaction holds besides its actions: the fence and the brackets. The longest key and session fit. */
const ENVELOPE: TransactionLimits = {
  operations: 1,
  bytes: JSON.stringify([fenceOperation({ key: '' as never, session: '' })]).length + 1024,
};

/** Takes an action apart; `flags` mark its KV entries as ours. */
export function prepareAction(action: RegistryAction, index: number, flags: number): PreparedAction {
  const writes = writesOf(action);
  const operations = writes.map((write) => operationOf(write, flags));
  return { index, action, writes, operations, bytes: Buffer.byteLength(JSON.stringify(operations)) };
}

/** The size of a transaction that holds these actions. */
export function sizeOf(actions: readonly PreparedAction[]): TransactionLimits {
  return actions.reduce(
    (sum, { operations, bytes }) => ({ operations: sum.operations + operations.length, bytes: sum.bytes + bytes }),
    ENVELOPE,
  );
}

/** Whether these actions fit one transaction. */
export function fits(actions: readonly PreparedAction[], limits: TransactionLimits): boolean {
  const size = sizeOf(actions);
  return size.operations <= limits.operations && size.bytes <= limits.bytes;
}

/**
 * Fills transactions in the order of the actions, one when it is asked for; none is split. One that fits nowhere gets a transaction
 * of its own.
 */
export function* packActions(
  actions: Iterable<PreparedAction>,
  limits: () => TransactionLimits,
): Generator<readonly PreparedAction[], undefined> {
  let batch: PreparedAction[] = [];
  for (const action of actions) {
    if (batch.length > 0 && !fits([...batch, action], limits())) {
      yield batch;
      batch = [];
    }
    batch.push(action);
  }
  if (batch.length > 0) yield batch;
}
