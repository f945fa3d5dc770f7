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
 * `max size: 524288 bytes`), else half of what was sent.
 */
export function lowerLimits(limits: TransactionLimits, sent: TransactionLimits, answer: string): TransactionLimits {
  const operations = /too many operations \(\d+ > (\d+)\)/.exec(answer)?.[1];
  if (operations !== undefined) return { ...limits, operations: Math.min(limits.operations, Number(operations)) };
  const bytes = /max size: (\d+) bytes/.exec(answer)?.[1];
  if (bytes !== undefined) return { ...limits, bytes: Math.min(limits.bytes, Number(bytes)) };
  return {
    operations: Math.max(2, Math.min(limits.operations, Math.floor(sent.operations / 2))),
    bytes: Math.max(1024, Math.min(limits.bytes, Math.floor(sent.bytes / 2))),
  };
}
