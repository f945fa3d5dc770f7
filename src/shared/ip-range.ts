/** Addresses with a common beginning; IPv4 ones stand in IPv6 as ::ffff:0:0/96, as in Go. */
export interface IpRange {
  readonly address: bigint;
  /** How many of its 128 bits count. */
  readonly bits: number;
}

/** An address or a range in CIDR notation; undefined for anything else. */
export function parseIpRange(text: string): IpRange | undefined {
  const [base = '', length, ...rest] = text.split('/');
  const address = parseIp(base);
  if (address === undefined || rest.length > 0) return undefined;
  if (length === undefined) return { address, bits: 128 };
  const most = base.includes(':') ? 128 : 32;
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return bits <= most ? { address, bits: 128 - most + bits } : undefined;
}

/** Whether an address lies within a range of its own family; false for text that is no address. */
export function isInIpRange(text: string, { address, bits }: IpRange): boolean {
  const asked = parseIp(text);
  if (asked === undefined || isIpv4(asked) !== isIpv4(address)) return false;
  const hidden = BigInt(128 - bits);
  return asked >> hidden === address >> hidden;
}

const isIpv4 = (address: bigint): boolean => address >> 32n === 0xffffn;

/** The 128 bits of an address, IPv4 mapped; a zone is not an address. */
function parseIp(text: string): bigint | undefined {
  if (!text.includes(':')) {
    const low = parseIpv4(text);
    return low === undefined ? undefined : (0xffffn << 32n) | low;
  }
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return undefined;
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...before, ...Array.from({ length: missing }, () => 0n), ...after].reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** The 16-bit groups of one side of an IPv6 address; the last may be written as IPv4. */
function groupsOf(text: string): readonly bigint[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: bigint[] = [];
  for (const [at, part] of parts.entries()) {
    const low = at === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (low !== undefined) groups.push(low >> 16n, low & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  const valid = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return valid ? parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) : undefined;
}
