import { ConsulError, type Content, casMatches, type KvRecord, type SessionRecord, touch, type Write } from './records.ts';

/** What a KV operation is asked with; `Index` is the ModifyIndex to compare with. */
interface KvRequest {
  readonly Key: string;
  readonly Value: string | null;
  readonly Flags: number;
  readonly Index: number;
  readonly Session: string;
}

const MAX_LOCK_DELAY_NS = 60e9;

/** Writes an entry. Only lock operations change who holds it; a plain write forgets how often it was locked, as Consul's does. */
function setKey(write: Write, { Key, Value, Flags }: KvRequest, lock?: { readonly session: string; readonly lockIndex: number }): KvRecord {
  const existing = write.tables.kv.get(Key);
  const session = (lock === undefined ? existing?.Session : lock.session) ?? '';
  const content = { LockIndex: lock?.lockIndex ?? 0, Key, Flags, Value, ...(session === '' ? {} : { Session: session }) };
  const record: KvRecord = { ...content, CreateIndex: existing?.CreateIndex ?? write.index, ModifyIndex: write.index };
  const fields = ['LockIndex', 'Flags', 'Value', 'Session'] as const;
  if (existing !== undefined && fields.every((field) => existing[field] === record[field])) return existing;
  write.tables.kv.set(Key, record);
  touch(write, 'kvs');
  return record;
}

function deleteKey(write: Write, { Key }: { readonly Key: string }): undefined {
  if (!write.tables.kv.delete(Key)) return;
  write.tables.tombstones.set(Key, write.index);
  touch(write, 'kvs');
}

function lockKey(write: Write, asked: KvRequest): KvRecord | false {
  const { kv, sessions } = write.tables;
  if (asked.Session === '') throw new ConsulError('missing session');
  if (!sessions.has(asked.Session)) throw new ConsulError(`invalid session "${asked.Session}"`);
  const { Session: holder, LockIndex: locked = 0 } = kv.get(asked.Key) ?? {};
  if (holder !== undefined && holder !== asked.Session) return false;
  return setKey(write, asked, { session: asked.Session, lockIndex: holder === undefined ? locked + 1 : locked });
}

function unlockKey(write: Write, asked: KvRequest): KvRecord | false {
  if (asked.Session === '') throw new ConsulError('missing session');
  const existing = write.tables.kv.get(asked.Key);
  return existing?.Session === asked.Session && setKey(write, asked, { session: '', lockIndex: existing.LockIndex });
}

/** The entry that a check of it looks at. */
function existingKey({ tables }: Write, { Key }: KvRequest, missing: string): KvRecord {
  const entry = tables.kv.get(Key);
  if (entry === undefined) throw new ConsulError(`${missing}key "${Key}" doesn't exist`);
  return entry;
}

/** The KV operations by verb: the entry they answer with, or `false` when their condition does not hold. Throws what Consul says. */
export const KV_VERBS: Readonly<Record<string, (write: Write, asked: KvRequest) => KvRecord | false | undefined>> = {
  set: (write, asked) => setKey(write, asked),
  cas: (write, asked) => casMatches(asked.Index, write.tables.kv.get(asked.Key)) && setKey(write, asked),
  lock: lockKey,
  unlock: unlockKey,
  delete: deleteKey,
  'delete-cas': (write, asked) => {
    const existing = write.tables.kv.get(asked.Key);
    // A key that is gone counts as deleted, whatever index was asked for.
    if (existing !== undefined && existing.ModifyIndex !== asked.Index) return false;
    return deleteKey(write, asked);
  },
  'delete-tree': (write, asked) => {
    for (const entry of write.tables.kv.values()) if (entry.Key.startsWith(asked.Key)) deleteKey(write, entry);
    return undefined;
  },
  get: (write, asked) => existingKey(write, asked, ''),
  'check-index': (write, asked) => {
    const entry = existingKey(write, asked, 'failed to check index, ');
    if (entry.ModifyIndex === asked.Index) return entry;
    throw new ConsulError(`failed index check for key "${asked.Key}", current modify index ${entry.ModifyIndex} != ${asked.Index}`);
  },
  'check-session': (write, asked) => {
    const entry = existingKey(write, asked, 'failed to check session, ');
    if ((entry.Session ?? '') === asked.Session) return entry;
    throw new ConsulError(`failed session check for key "${asked.Key}", current session "${entry.Session ?? ''}" != "${asked.Session}"`);
  },
  'check-not-exists': (write, asked) => {
    if (write.tables.kv.has(asked.Key)) throw new ConsulError(`key "${asked.Key}" exists`);
    return undefined;
  },
};

/** True while a key may not be locked, because the session that held it ended without giving it back. */
export const isLockDelayed = (write: Write, key: string): boolean => (write.tables.lockDelays.get(key) ?? 0) > write.nowMs;

/** Begins a session; its node must exist. */
export function createSession(write: Write, session: Content<SessionRecord>): void {
  write.tables.sessions.set(session.ID, { ...session, CreateIndex: write.index, ModifyIndex: write.index });
  touch(write, 'sessions');
}

/** Ends a session: its keys are released or deleted, and may not be locked again for its lock delay. */
export function destroySession(write: Write, id: string): void {
  const { sessions, kv, lockDelays } = write.tables;
  const session = sessions.get(id);
  if (session === undefined) return;
  sessions.delete(id);
  touch(write, 'sessions');
  const delayMs = (Math.min(session.LockDelay, MAX_LOCK_DELAY_NS) / 1e6) * write.timeScale;
  for (const entry of [...kv.values()].filter((held) => held.Session === id)) {
    if (session.Behavior === 'delete') deleteKey(write, entry);
    else setKey(write, { ...entry, Index: 0, Session: '' }, { session: '', lockIndex: entry.LockIndex });
    if (delayMs > 0) lockDelays.set(entry.Key, write.nowMs + delayMs);
  }
}
