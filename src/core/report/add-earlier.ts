import type { ActionReport, RunReport, WriteReport } from './run-report.ts';

/** The last of several reports, with what the earlier ones did: for a command that runs until nothing is left to do. */
export function addEarlier(last: RunReport, earlier: readonly RunReport[]): RunReport {
  if (earlier.length === 0) return last;
  const doneBefore = new Map<string, ActionReport[]>();
  const ownBefore: ActionReport[] = [];
  const standing = new Set<string>(last.specs.map(({ id }) => id));
  for (const report of earlier) {
    ownBefore.push(...(report.actions ?? []).filter(isDone));
    for (const { id, actions } of report.specs) {
      const done = actions.filter(isDone);
      // A spec that is gone by now has no line of its own any more.
      if (!standing.has(id)) ownBefore.push(...done);
      else doneBefore.set(id, [...(doneBefore.get(id) ?? []), ...done]);
    }
  }
  return {
    ...last,
    specs: last.specs.map((spec) => ({ ...spec, actions: [...(doneBefore.get(spec.id) ?? []), ...spec.actions] })),
    actions: [...ownBefore, ...(last.actions ?? [])],
    writes: sumWrites([...earlier, last]),
  };
}

const isDone = ({ result }: ActionReport): boolean => result === 'done';

function sumWrites(reports: readonly RunReport[]): readonly WriteReport[] {
  const sums = new Map<string, WriteReport>();
  for (const write of reports.flatMap(({ writes }) => writes)) {
    const key = `${write.leg} ${write.result}`;
    sums.set(key, { ...write, count: (sums.get(key)?.count ?? 0) + write.count });
  }
  return [...sums.values()];
}
