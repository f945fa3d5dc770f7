import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { KvKey } from '../model/ids.ts';
import type { RegistryState } from '../model/registration.ts';

/** The most bytes that Consul takes as one value (`kv_max_value_size`). */
const CONSUL_VALUE_BYTES = 512 * 1024;
/** What a transaction holds besides a value: the fence, the key, the brackets. */
const TRANSACTION_ROOM = 4 * 1024;
/** The longest argument that Linux gives a program (MAX_ARG_STRLEN), its closing zero included. */
const ARGUMENT_BYTES = 128 * 1024;

/** Why Consul would not take a value, told before it is sent; undefined when it would. Values travel as base64, so a transaction holds 3/4 of its size. */
export function whyTooLarge(key: KvKey, value: string, registry: RegistryState | undefined): Problem | undefined {
  const room = (registry?.limits.bytes ?? CONSUL_VALUE_BYTES) - TRANSACTION_ROOM;
  const most = Math.min(CONSUL_VALUE_BYTES, Math.floor(room / 4) * 3);
  const bytes = Buffer.byteLength(value);
  if (bytes <= most) return undefined;
  return problem('CONSUL_VALUE_TOO_LARGE', `the key ${key} is not written: its value takes ${bytes} bytes, and Consul takes ${most}`);
}

/** What to warn of when a plugin of consul-template could not be given the value: it gets what it renders as one argument. */
export function whyTooLongForPlugins(key: KvKey, value: string): Problem | undefined {
  const bytes = Buffer.byteLength(value);
  if (bytes < ARGUMENT_BYTES) return undefined;
  const message = `the value of ${key} takes ${bytes} bytes; a plugin of consul-template takes less than ${ARGUMENT_BYTES} as its argument`;
  return problem('CONSUL_ARGUMENT_LIMIT', message);
}
