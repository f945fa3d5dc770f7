/** Go's strconv.ParseInt of base 10 and 64 bits: undefined for what it refuses. */
export function parseGoInt(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** Go's strconv.ParseBool: undefined for what it refuses. */
export function parseGoBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

const SECOND = 1_000_000_000n;
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};

/** A duration as Traefik's options write it, a number of seconds or `1m30s`, in nanoseconds; undefined for what it refuses. */
export function parseGoDuration(text: string): bigint | undefined {
  const seconds = parseGoInt(text);
  if (seconds !== undefined) return BigInt.asIntN(64, seconds * SECOND);
  const { sign, rest = '' } = /^(?<sign>[+-]?)(?<rest>.*)$/s.exec(text)?.groups ?? {};
  if (rest === '0') return 0n;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|[uµμ]s|ms|s|m|h))+$/.test(rest)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(/(\d*)(?:\.(\d*))?([^\d.]+)/g)) {
    const scale = UNITS[unit] ?? 0n;
    total += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length);
  }
  if (total > 2n ** 63n - 1n) return undefined;
  return sign === '-' ? -total : total;
}

/** Go's Duration.String: `1h0m5s`, `100ms`, `0s`. */
export function formatGoDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const [sign, total] = nanoseconds < 0n ? ['-', -nanoseconds] : ['', nanoseconds];
  if (total < SECOND) {
    const [unit, scale] =
      total < 1000n ? (['ns', 1n] as const) : total < 1_000_000n ? (['µs', 1000n] as const) : (['ms', 1_000_000n] as const);
    return `${sign}${decimal(total, scale)}${unit}`;
  }
  const minutes = total / (60n * SECOND);
  const seconds = `${decimal(total % (60n * SECOND), SECOND)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, scale: bigint): string {
  const fraction = (value % scale)
    .toString()
    .padStart(scale.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${value / scale}${scale === 1n || fraction === '' ? '' : `.${fraction}`}`;
}

/** Go's 64-bit FNV-1 hash of a text, as a decimal number. */
export function fnv64(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, hash * 0x100000001b3n) ^ BigInt(byte);
  return hash.toString();
}

/** Traefik's name for something: every run of other characters than letters and digits becomes one `-`. */
export const normalizeName = (name: string): string =>
  // Most names are so already, and this is asked for every instance.
  /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/.test(name) ? name : (name.match(/[\p{L}\p{N}]+/gu) ?? []).join('-');

/** Go's net.JoinHostPort. */
export const joinHostPort = (host: string, port: string): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
