import { request } from 'node:http';
import { parseRule, type Rule } from '../core/routes/parse-rule.ts';
import type { PredictedObject } from '../core/routes/predicted-routes.ts';

/** A request that a route takes. */
export interface SampleRequest {
  readonly router: string;
  readonly entryPoint: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
}

/** What became of a request; an error counts as status 0. */
export interface SampleAnswer {
  readonly status: number;
  /** The node that answered, from its header. */
  readonly node: string | undefined;
}

/** One request for each entry point of a router: the first host, method and path that its rule names. */
export function sampleRequests({ name, config, using }: PredictedObject): readonly SampleRequest[] {
  const sample = { method: 'GET', host: 'example.com', path: '/' };
  const parsed = parseRule(String(config['rule'] ?? ''));
  if (parsed.ok) fill(parsed.rule, sample);
  return using.map((entryPoint) => ({ router: name, entryPoint, ...sample }));
}

function fill(rule: Rule, sample: { method: string; host: string; path: string }): void {
  if (rule.kind === 'and') {
    fill(rule.left, sample);
    fill(rule.right, sample);
  } else if (rule.kind === 'or') fill(rule.left, sample);
  else if (rule.kind === 'match') {
    const [value = ''] = rule.values;
    if (rule.matcher === 'Host') sample.host = value;
    if (rule.matcher === 'Method') sample.method = value;
    if (rule.matcher === 'Path' || rule.matcher === 'PathPrefix') sample.path = value;
  }
}

/** Sends one request to the gateway. */
export function ask(url: string, { method, host, path }: SampleRequest, signal: AbortSignal): Promise<SampleAnswer> {
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: 0, node: undefined });
    const outgoing = request(new URL(path, url), { method, headers: { host }, agent: false, signal, timeout: 5_000 }, (response) => {
      const node = response.headers['x-node'];
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, node: typeof node === 'string' ? node : undefined }));
      response.on('error', failed);
    });
    outgoing.on('error', failed);
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.end();
  });
}
