/**
 * Waits until every promise has settled, then gives the values or throws what was rejected (an AggregateError when it is
 * more than one). Unlike Promise.all it never leaves something running behind an error.
 */
export async function settleAll<T>(promises: readonly (Promise<T> | undefined)[]): Promise<(T | undefined)[]> {
  const results = await Promise.allSettled(promises);
  const reasons = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (reasons.length === 1) throw reasons[0];
  if (reasons.length > 1) throw new AggregateError(reasons, reasons.map(String).join('\n'));
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
}
