import type { SpecId } from '../core/model/ids.ts';
import type { ResyncOutcome, RunReport } from '../core/report/run-report.ts';
import type { ResyncAnswer } from './api-answers.ts';

/** One line of `/readyz?verbose`. */
export interface ReadyCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

/** What the server shows, and what it may ask of the daemon. */
export interface HttpServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The bearer token of mutations; undefined: none is needed. */
  readonly token: string | undefined;
  /** The last report; undefined until the first run has ended. */
  readonly report: () => RunReport | undefined;
  readonly livez: () => boolean;
  readonly ready: () => { readonly ready: boolean; readonly checks: readonly ReadyCheck[] };
  /** The scrape in the Prometheus text format. */
  readonly metrics: () => Promise<string>;
  /** Asks for a comparison of one spec, or of everything. */
  readonly resync: (spec: SpecId | undefined) => Promise<ResyncAnswer>;
  readonly onResync?: (result: ResyncOutcome) => void;
  /** Told of errors that are answered with 500. */
  readonly onError?: (error: unknown) => void;
  /** Mutations a client may send in a minute; default 30. */
  readonly mutationsPerMinute?: number;
}
