import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { makeTempDirectory, startProcess } from './processes.ts';
import { answersOk } from './server.ts';
import { waitUntil } from './wait-until.ts';

/** One series of an instant query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One series of a range query; times in seconds since the epoch. */
export interface SampledSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** A real Prometheus that scrapes one target every half second. */
export interface PrometheusServer {
  /** Evaluates a query now; series that are not a number are left out, as Grafana draws none. */
  query(expr: string): Promise<readonly Sample[]>;
  /** Evaluates a query for every second from then until now. */
  queryRange(expr: string, fromMs: number): Promise<readonly SampledSeries[]>;
  /** The exemplars of the series that a selector takes, since then. */
  exemplars(selector: string, fromMs: number): Promise<readonly Sample[]>;
  labelValues(label: string, match: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

/** Starts `command`; it serves when this resolves. */
export async function startPrometheus(command: string, target: string): Promise<PrometheusServer> {
  const directory = await makeTempDirectory('prometheus');
  const scrape = { job_name: 'poolkeeper', static_configs: [{ targets: [new URL(target).host] }] };
  const config = join(directory.path, 'prometheus.yml');
  await writeFile(config, JSON.stringify({ global: { scrape_interval: '500ms', scrape_timeout: '500ms' }, scrape_configs: [scrape] }));
  const url = `http://127.0.0.1:${await freePort()}`;
  const data = join(directory.path, 'data');
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${new URL(url).host}`,
    '--enable-feature=exemplar-storage',
  ];
  const running = await startProcess({ command, args, directory: directory.path, logFile: join(directory.path, 'prometheus.log') });
  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> => {
    const response = await fetch(`${url}${path}?${new URLSearchParams(parameters).toString()}`);
    const { status, error, data: found } = (await response.json()) as Answer<T>;
    if (status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${error ?? response.status}`);
    return found;
  };
  await waitUntil('Prometheus to be ready', async () => ((await answersOk(`${url}/-/ready`).catch(() => false)) ? true : undefined));
  return {
    async query(query) {
      const { result } = await ask<{
        readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
      }>('/api/v1/query', { query });
      const samples = result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
      return samples.filter(({ value }) => !Number.isNaN(value));
    },
    async queryRange(query, fromMs) {
      const { result } = await ask<{
        readonly result: readonly { readonly metric: Record<string, string>; readonly values: readonly (readonly [number, string])[] }[];
      }>('/api/v1/query_range', { query, start: String(fromMs / 1000), end: String(Date.now() / 1000), step: '1' });
      return result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([seconds, value]) => [seconds, Number(value)] as const).filter(([, value]) => !Number.isNaN(value)),
      }));
    },
    async exemplars(query, fromMs) {
      const found = await ask<
        readonly { readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[] }[]
      >('/api/v1/query_exemplars', { query, start: String(fromMs / 1000), end: String(Date.now() / 1000 + 1) });
      return found.flatMap((series) => series.exemplars.map(({ labels, value }) => ({ labels, value: Number(value) })));
    },
    labelValues: (label, match) => ask(`/api/v1/label/${label}/values`, { 'match[]': match }),
    async stop() {
      await running.stop();
      await directory.remove();
    },
  };
}
