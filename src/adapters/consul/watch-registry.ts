import { deploymentsPrefix, ownPrefix } from '../../core/model/consul-names.ts';
import type { Answer, Blocking, ConsulClient } from './consul-client.ts';
import { runLongPoll } from './long-poll.ts';
import { foreignFilter, ownNodeMeta } from './read-registry.ts';
import type { RegistryIdentity } from './registry-identity.ts';
import type { RegistryTimings } from './registry-timings.ts';

export interface RegistryWatch {
  readonly client: ConsulClient;
  readonly identity: RegistryIdentity;
  readonly timings: RegistryTimings;
  readonly random: () => number;
  /** Called when something of ours may have changed. */
  readonly wake: () => void;
  /** Called when something cannot be watched now. */
  readonly lost: () => void;
  /** Whether we are writing ourselves: each write would answer every poll, with lists that are long. */
  readonly writes: () => boolean;
  /** Whether agents register what we hold or tell them. */
  readonly seesAgents: () => boolean;
}

/** Follows all parts of the registry by long polls until `signal` aborts. What they answer is a wake-up only, never a fact. */
export async function watchRegistry(watch: RegistryWatch, signal: AbortSignal): Promise<void> {
  const { client, identity, wake, lost } = watch;
  const nodeMeta = ownNodeMeta(identity);
  const prefixes = [deploymentsPrefix(identity.keyPath), ownPrefix(identity.keyPath, identity.cluster)];
  const follow = <T>(ask: (blocking: Blocking, signal: AbortSignal) => Promise<Answer<T>>, onAnswer: (answer: Answer<T>) => void = wake) =>
    runLongPoll({ ask, onAnswer, onFailure: lost, ...pace(watch) }, signal);
  await Promise.all([
    follow((blocking, ended) => client.listServices({ nodeMeta, blocking }, ended)),
    // Consul wakes this one for every check of the catalog, so that only another answer counts.
    follow(
      (blocking, ended) => client.listChecks({ nodeMeta, blocking }, ended),
      onNews(wake, (checks) => checks),
    ),
    ...prefixes.map((prefix) => follow((blocking, ended) => client.listKeys({ prefix, blocking }, ended))),
    // The instances of others come and go without us; a name may be one that we want, or hold. Where agents register such a name,
    // any change of an instance may be one of theirs.
    follow(
      (blocking, ended) => client.listServices({ filter: foreignFilter(identity), blocking }, ended),
      onNews(wake, (services, index) => [[...services].sort(byName), watch.seesAgents() ? index : 0]),
    ),
  ]);
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const pace = ({ timings, random, writes }: RegistryWatch) => ({
  rests: writes,
  waitMs: timings.pollWaitMs,
  gapMs: timings.refreshGapMs,
  backoff: timings.backoff,
  random,
});

/** Wakes when what `part` takes from an answer differs from the answer before, or when Consul begins to leave something out. */
function onNews<T>(wake: () => void, part: (value: T, index: number) => unknown): (answer: Answer<T>) => void {
  let known: string | undefined;
  return ({ value, index, filtered }) => {
    const news = JSON.stringify(part(value, index));
    if (known !== news || filtered) wake();
    known = news;
  };
}
