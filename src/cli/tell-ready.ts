import type { RunReport } from '../core/report/run-report.ts';
import type { SampleRequest } from './demo-requests.ts';

/** What the demo has to show once it is up. */
export interface ReadyText {
  readonly report: RunReport;
  readonly summary: {
    readonly requests: { readonly ok: number; readonly failed: number };
    readonly latencySeconds: { readonly total: number };
  };
  readonly samples: readonly SampleRequest[];
  readonly urls: Readonly<Record<string, string>>;
  readonly repository: string;
  /** Where the daemon listens. */
  readonly daemon: string;
  readonly once: boolean;
}

/** Tells what the demo has made and, unless it ends at once, lines that can be copied to try it. */
export function tellReady(say: (text: string) => void, text: ReadyText): void {
  const { summary, samples, urls } = text;
  say('\nPools');
  for (const pool of text.report.pools)
    say(
      `  ${String(pool.pool).padEnd(24)} ${pool.registered} backend${pool.registered === 1 ? '' : 's'} at NodePort ${pool.nodePort ?? '?'}`,
    );
  say(`\nRequests to every route: ${summary.requests.ok} answered by a node, ${summary.requests.failed} not.`);
  say(`From the commit to traffic: ${summary.latencySeconds.total.toFixed(2)} s.`);
  if (text.once) return;
  const sample = samples.find(({ method, entryPoint }) => method === 'GET' && entryPoint === 'web') ?? samples[0];
  say('\nReady. Try it:');
  if (sample !== undefined) say(`  curl -H 'Host: ${sample.host}' ${new URL(sample.path, urls[sample.entryPoint]).href}`);
  say(`  poolkeeper status --url ${text.daemon}`);
  if (sample !== undefined) say(`  poolkeeper why ${schemeOf(sample)}://${sample.host}${sample.path} --url ${text.daemon}`);
  say(`  open ${text.daemon}/   (status page; ${text.daemon}/metrics for Prometheus)`);
  say(`  cd ${text.repository}   edit a file, git commit -am 'a change', and watch what happens here`);
  say('\nCtrl-C ends the demo and removes everything.\n');
}

const schemeOf = ({ entryPoint }: SampleRequest): string => (entryPoint === 'websecure' ? 'https' : 'http');
