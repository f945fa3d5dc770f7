/** How much one transaction may hold; operation 0, the fence, counts. */
export interface TransactionLimits {
  readonly operations: number;
  /** Of the JSON body. */
  readonly bytes: number;
}

/** What every Consul takes: 64 operations, and 512 KiB less some room for the server's own limit being a little lower. */
export const LEAST_LIMITS: TransactionLimits = { operations: 64, bytes: 500 * 1024 };

/** The limits of a server of this version: 128 operations from Consul 1.14.0 on (pull request 14599), 64 before. */
export function limitsOfVersion(version: string): TransactionLimits {
  return isFrom(version, 14) ? { ...LEAST_LIMITS, operations: 128 } : LEAST_LIMITS;
}

/** Whether a version, such as `1.21.0` or `1.14.0+ent`, is 1.`minor` or later; false for what is no version. */
export function isFrom(version: string, minor: number): boolean {
  const [first = 0, second = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return first > 1 || (first === 1 && second >= minor);
}

/**
 * The limits to try after Consul refused a transaction as too large: those that its answer names (`(129 > 128)`,
 * `Request body(600000 bytes) too large, max size: 524288 bytes`), else half of what was sent. Always less than what was sent
 * in one respect, or the same would be sent for ever.
 */
export function lowerLimits(limits: TransactionLimits, sent: TransactionLimits, answer: string): TransactionLimits {
  const operations = Number(/too many operations \(\d+ > (\d+)\)/.exec(answer)?.[1]);
  if (operations < sent.operations) return { ...limits, operations: Math.min(limits.operations, operations) };
  const [, body = Number.NaN, most = Number.NaN] = /(?:body\s*\((\d+) bytes\).*)?max size: (\d+) bytes/s.exec(answer) ?? [];
  // What the body has grown by on its way counts too, such as the names of Enterprise namespaces.
  const bytes = Number(most) - Math.max(0, (Number(body) || 0) - sent.bytes);
  if (bytes < sent.bytes) return { ...limits, bytes: Math.max(LEAST_BYTES, Math.min(limits.bytes, bytes)) };
  return {
    operations: Math.max(2, Math.min(limits.operations, Math.floor(sent.operations / 2))),
    bytes: Math.max(LEAST_BYTES, Math.min(limits.bytes, Math.floor(sent.bytes / 2))),
  };
}

const LEAST_BYTES = 1024;
