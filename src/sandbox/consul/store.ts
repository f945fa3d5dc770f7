import { setCheck, setNode, setService } from './catalog-writes.ts';
import { createSession, destroySession } from './kv-writes.ts';
import { CHECK, type Content, copyTables, NODE, SERVICE, type SessionRecord, type Tables, type Write } from './records.ts';
import { applyTransaction, isReadOnly, type TxnError, type TxnOperation } from './transaction.ts';

/** Name of the node that stands for the sandbox's own agent. */
export const AGENT_NODE = 'sandbox';
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration such as `10s` or `1m30s`, in milliseconds; `undefined` when it is none. */
export function parseDuration(value: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return value === '0' ? 0 : undefined;
  const parts = value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g);
  return [...parts].reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * (UNIT_MS[unit] ?? 0), 0);
}

/** The whole state at one moment: plain records, to be read by tests and given back to `restore`. */
export interface ConsulSnapshot {
  readonly index: number;
  readonly tables: Tables;
}

/** What a transaction came to. */
export type TxnOutcome =
  | { readonly kind: 'done'; readonly results: readonly unknown[] }
  | { readonly kind: 'refused'; readonly errors: readonly TxnError[] };

type Wake = 'changed' | 'abandoned' | 'timeout';

/** The state of the sandbox: one write at a time, each with an index of its own, and readers that wait for the next one. */
export class ConsulStore {
  readonly #timeScale: number;
  readonly #sessionTimers = new Map<string, NodeJS.Timeout>();
  readonly #waiting = new Set<(wake: Wake) => void>();
  #tables = copyTables();
  // Consul's log begins with entries of its own: index 1 never stands for a change of ours.
  #index = 10;

  constructor(timeScale: number) {
    this.#timeScale = timeScale;
    this.write(registerAgent);
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** Runs one write; when it throws, nothing of it stays. */
  write<T>(change: (write: Write) => T): T {
    const write = this.#begin();
    const result = change(write);
    this.#commit(write);
    return result;
  }

  /** Runs a transaction wholly or not at all. One that only reads takes no index. */
  transact(operations: readonly TxnOperation[]): TxnOutcome {
    const write = this.#begin();
    const { results, errors } = applyTransaction(write, operations);
    if (errors.length > 0) return { kind: 'refused', errors };
    if (!isReadOnly(operations)) this.#commit(write);
    return { kind: 'done', results };
  }

  createSession(session: Content<SessionRecord>): void {
    this.write((write) => createSession(write, session));
    this.renewSession(session);
  }

  /** Starts the time of a session anew: Consul ends it after twice its TTL. */
  renewSession({ ID, TTL }: Pick<SessionRecord, 'ID' | 'TTL'>): void {
    clearTimeout(this.#sessionTimers.get(ID));
    const ttlMs = parseDuration(TTL) ?? 0;
    if (ttlMs > 0) this.#sessionTimers.set(ID, setTimeout(() => this.destroySession(ID), 2 * ttlMs * this.#timeScale).unref());
  }

  destroySession(id: string): void {
    clearTimeout(this.#sessionTimers.get(id));
    this.#sessionTimers.delete(id);
    if (this.#tables.sessions.has(id)) this.write((write) => destroySession(write, id));
  }

  snapshot(): ConsulSnapshot {
    return { index: this.#index, tables: copyTables(this.#tables) };
  }

  /** Puts an older state back, index and all. Readers that wait are answered from the state they saw. */
  restore(snapshot: ConsulSnapshot): void {
    this.#clearTimers();
    this.#tables = copyTables(snapshot.tables);
    this.#index = snapshot.index;
    for (const session of this.#tables.sessions.values()) this.renewSession(session);
    this.#wake('abandoned');
  }

  /** Resolves at the next write, after `ms`, or when `signal` aborts. */
  nextChange(ms: number, signal: AbortSignal): Promise<Wake> {
    return new Promise((resolve) => {
      const finish = (wake: Wake): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waiting.delete(finish);
        resolve(wake);
      };
      const giveUp = (): void => finish('timeout');
      const timer = setTimeout(giveUp, ms);
      signal.addEventListener('abort', giveUp);
      this.#waiting.add(finish);
    });
  }

  /** Ends every timer and answers every reader that waits. */
  close(): void {
    this.#clearTimers();
    this.#wake('timeout');
  }

  #begin(): Write {
    return { tables: copyTables(this.#tables), index: this.#index + 1, nowMs: Date.now(), timeScale: this.#timeScale };
  }

  #commit(write: Write): void {
    this.#tables = write.tables;
    this.#index = write.index;
    this.#wake('changed');
  }

  #wake(how: Wake): void {
    for (const finish of this.#waiting) finish(how);
  }

  #clearTimers(): void {
    for (const timer of this.#sessionTimers.values()) clearTimeout(timer);
    this.#sessionTimers.clear();
  }
}

/** What every Consul holds from its start: its own node, with the check that says it is alive, and the service `consul`. */
function registerAgent(write: Write): void {
  const [Node, ID] = [AGENT_NODE, '5a0d6c1e-0000-4000-8000-000000000001'];
  setNode(write, { ...NODE, Node, ID, Address: '127.0.0.1', Meta: { 'consul-version': '1.21.0' } });
  setService(write, { ...SERVICE, Node, ID: 'consul', Service: 'consul', Port: 8300 });
  setCheck(write, { ...CHECK, Node, CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'passing' });
}
