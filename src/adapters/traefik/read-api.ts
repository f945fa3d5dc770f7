import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import type { ReplicaName } from '../../core/model/ids.ts';
import { BadAnswer } from './gateway-failure.ts';

/** How the API of one Traefik replica is reached. */
export interface ReplicaOptions {
  readonly name: ReplicaName;
  /** Base URL: `/api/rawdata` is below it. */
  readonly url: string;
  readonly username?: string;
  /** Read at each request, so that a new password needs no restart. */
  readonly passwordFile?: string;
  /** PEM of the authorities that may have signed its certificate; absent: those of Node. */
  readonly ca?: string;
  /** True: its certificate is not checked. */
  readonly insecureSkipVerify?: boolean;
}

/** `rawdata` holds all objects at one moment, which pages of its parts would not. */
export type ApiPath = '/api/rawdata' | '/api/entrypoints?per_page=1000';

/** Reads the API of one replica over a connection of its own. */
export interface ApiReader {
  /** The text at a path. Throws when there is none. */
  read(path: ApiPath, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** The most that is read of an answer: some 200,000 servers. */
const MOST_BYTES = 64 * 1024 * 1024;

const MOST_OF_AN_ERROR = 64 * 1024;

/** Makes the reader of one replica. `timeoutMs` is the longest a connection may take to come about; a request ends by its signal. */
export function createApiReader(options: ReplicaOptions, timeoutMs: number): ApiReader {
  const { ca, insecureSkipVerify } = options;
  const agent = new Agent({
    connections: 1,
    // The deadline of the call rules: timers of this client tell seconds only.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: timeoutMs,
      ...(ca === undefined ? {} : { ca }),
      ...(insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
    },
  });
  const base = options.url.replace(/\/+$/, '');
  return {
    async read(path, signal) {
      const { statusCode, body } = await request(`${base}${path}`, { dispatcher: agent, signal, headers: headersOf(options) });
      if (statusCode !== 200) {
        // What a server says instead of an answer is of no use, and may be endless.
        await body.dump({ limit: MOST_OF_AN_ERROR, signal });
        throw new BadAnswer(statusCode, `GET ${path} was answered with ${statusCode}`);
      }
      return await readText(body);
    },
    close: () => agent.destroy(),
  };
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new BadAnswer(200, `the answer is longer than ${MOST_BYTES / 1024 / 1024} MiB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function headersOf({ username, passwordFile }: ReplicaOptions): Record<string, string> {
  if (username === undefined) return {};
  const password = passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').trim();
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
