/** Median, 95th percentile and extremes of some measurements. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The spread of measurements, rounded to tenths. Nearest-rank percentiles. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  return { p50: at(0.5), p95: at(0.95), min: at(0), max: at(1), count: sorted.length };
}

export const round = (value: number): number => Math.round(value * 10) / 10;
