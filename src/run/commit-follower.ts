import { revision, type SpecId } from '../core/model/ids.ts';
import { addHead, type CommitBook, judgeBook, toldCommits, withoutOpenVerdicts } from '../core/report/commit-book.ts';
import type { RunReport } from '../core/report/run-report.ts';
import { LatencyTracker, type RunTimes, startOf } from './latency-tracker.ts';
import type { Arrival } from './spec-poller.ts';

/** A run may still be about a head before the last one. */
const MOST_HEADS = 8;

/** Follows commits from head to head and from run to run: how long they took, and what has become of them. */
export class CommitFollower {
  readonly #latency = new LatencyTracker();
  #book: CommitBook = [];
  /** What the last heads touched, the oldest first. */
  readonly #touched = new Map<string, Arrival['touched']>();

  /** The last commits, newest first. */
  book(): CommitBook {
    return this.#book;
  }

  /** The specs that a commit touched when it became the head, broken ones included; undefined: it was the head at the start. */
  touchedBy(head: string | undefined): ReadonlySet<SpecId> | undefined {
    return head === undefined ? undefined : this.#touched.get(head);
  }

  arrived(arrival: Arrival): void {
    const { before, changes, recent, commit, decodedAtMs } = arrival;
    this.#latency.arrived(arrival);
    const startAtMs = startOf(arrival)?.atMs;
    const head = { revision: revision(arrival.revision), before, changes, recent, commit, startAtMs, decodedAtMs };
    this.#book = addHead(this.#book, head);
    this.#touched.delete(arrival.revision);
    this.#touched.set(arrival.revision, arrival.touched);
    const [oldest] = this.#touched.keys();
    if (this.#touched.size > MOST_HEADS && oldest !== undefined) this.#touched.delete(oldest);
  }

  /** The report of a run that acted, with the stages of the commits that it finished, and with what has become of the last ones. */
  acted(report: RunReport, times: RunTimes): RunReport {
    const timed = { ...report, latencies: this.#latency.observe(report, times) };
    this.#book = judgeBook(this.#book, timed);
    return { ...timed, commits: toldCommits(this.#book) };
  }

  /** The report of a run that only planned. `leads`: this replica acts otherwise. */
  planned(report: RunReport, leads: boolean): RunReport {
    if (!leads) {
      this.#latency.forget();
      this.#book = withoutOpenVerdicts(this.#book);
    }
    return { ...report, commits: toldCommits(this.#book) };
  }
}
