import { setTimeout as delay } from 'node:timers/promises';

/** What a Traefik has of one pool. */
export interface PoolInRotation {
  readonly servers: readonly { readonly url: string; readonly weight: number }[];
  readonly rules: readonly string[];
  /** The configuration of its middlewares, as JSON. */
  readonly middlewares: string;
}

/** The smallest part of a pool that was in rotation at once. */
export interface LeastRotation {
  readonly samples: number;
  /** Of the pool's size at rest, 1 when it never shrank; NaN without a sample. */
  readonly share: number;
}

/** Looks again and again at what a Traefik has in rotation. */
export interface RotationWatch {
  /** The newest look at a pool; undefined when Traefik has nothing of it. */
  latest(pool: string): PoolInRotation | undefined;
  /** The size of a pool at rest; looks from now on count against the larger of this one and the last one. */
  setSize(pool: string, size: number): void;
  least(pool: string): LeastRotation;
  stop(): Promise<void>;
}

const EVERY_MS = 100;

/** Asks `/api/rawdata` ten times a second. `prefixes`: what the names of a pool's objects in Traefik begin with, by the pool. */
export function watchRotation(apiUrl: string, prefixes: ReadonlyMap<string, string>): RotationWatch {
  const seen = new Map<string, PoolInRotation>();
  const sizes = new Map<string, number>();
  const least = new Map<string, { samples: number; share: number }>();
  let stopped = false;
  const look = async (): Promise<void> => {
    const raw = (await (await fetch(`${apiUrl}/api/rawdata`)).json()) as RawData;
    for (const [pool, prefix] of prefixes) {
      const found = poolIn(raw, prefix);
      if (found === undefined) seen.delete(pool);
      else seen.set(pool, found);
      const size = sizes.get(pool);
      if (size === undefined) continue;
      const before = least.get(pool) ?? { samples: 0, share: 1 };
      const share = (found?.servers.filter(({ weight }) => weight > 0).length ?? 0) / size;
      least.set(pool, { samples: before.samples + 1, share: Math.min(before.share, share) });
    }
  };
  const work = (async () => {
    while (!stopped) {
      await look();
      await delay(EVERY_MS);
    }
  })();
  return {
    latest: (pool) => seen.get(pool),
    setSize: (pool, size) => sizes.set(pool, size),
    least: (pool) => least.get(pool) ?? { samples: 0, share: Number.NaN },
    stop: async () => {
      stopped = true;
      await work;
    },
  };
}

interface RawData {
  readonly services?: Readonly<Record<string, RawService>>;
  readonly routers?: Readonly<Record<string, { readonly rule: string }>>;
  readonly middlewares?: Readonly<Record<string, unknown>>;
}

interface RawService {
  readonly loadBalancer?: { readonly servers?: readonly { readonly url: string; readonly weight?: number }[] };
}

function poolIn({ services = {}, routers = {}, middlewares = {} }: RawData, prefix: string): PoolInRotation | undefined {
  const own = <T>(objects: Readonly<Record<string, T>>): readonly T[] =>
    Object.entries(objects).flatMap(([name, object]) => (name.startsWith(prefix) ? [object] : []));
  const [service] = own(services);
  if (service === undefined) return undefined;
  const servers = (service.loadBalancer?.servers ?? []).map(({ url, weight = 1 }) => ({ url, weight }));
  return { servers, rules: own(routers).map(({ rule }) => rule), middlewares: JSON.stringify(own(middlewares)) };
}
