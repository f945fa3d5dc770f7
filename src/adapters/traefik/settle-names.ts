import type { NamesElsewhere } from '../../core/model/gateway.ts';

/** The names that a replica has told, and since when answers lack those that they do, in ms since the epoch. */
export interface SettledNames {
  readonly names: NamesElsewhere;
  readonly lackedSinceMs: ReadonlyMap<string, number>;
}

/** A Traefik that has just started answers before its providers have: a name must be missing for so long to count as gone. */
const GONE_AFTER_MS = 30_000;

/** The names after another answer; the very same while they do not change. */
export function settleNames(before: SettledNames | undefined, told: NamesElsewhere, askedAtMs: number): SettledNames {
  const lackedSinceMs = new Map<string, number>();
  const listOf = (kind: 'middlewares' | 'services'): readonly string[] => {
    const now = new Set(told[kind]);
    for (const name of before?.names[kind] ?? []) {
      if (now.has(name)) continue;
      const key = `${kind}/${name}`;
      const sinceMs = before?.lackedSinceMs.get(key) ?? askedAtMs;
      if (askedAtMs - sinceMs >= GONE_AFTER_MS) continue;
      lackedSinceMs.set(key, sinceMs);
    }
    return [...now, ...[...lackedSinceMs.keys()].flatMap((key) => (key.startsWith(`${kind}/`) ? [key.slice(kind.length + 1)] : []))].sort();
  };
  const names = { ...told, middlewares: listOf('middlewares'), services: listOf('services') };
  const isSame = before !== undefined && JSON.stringify(before.names) === JSON.stringify(names);
  return { names: isSame ? before.names : names, lackedSinceMs };
}
