import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

/** Where a Kubernetes API server answers, and as whom we come; plain data. */
export interface KubernetesConnection {
  readonly apiServerUrl: string;
  readonly token: string;
}

/** Status and decoded JSON body (the text when it is not JSON) of an API answer. */
export interface KubeResponse {
  readonly status: number;
  readonly body: unknown;
}

/** The API server refused: everything but 2xx. */
export class KubeError extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(what: string, { status, body }: KubeResponse) {
    super(`${what}: ${status} ${typeof body === 'string' ? body : JSON.stringify(body)}`);
    this.name = 'KubeError';
    this.status = status;
    this.body = body;
  }
}

/** One call of the API server. */
export interface KubeCall {
  readonly method: string;
  /** Path and query, for example `/api/v1/nodes?limit=5`. */
  readonly path: string;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  /** application/json unless told; patches need their own, see `patchTypes`. */
  readonly contentType?: string;
}

/** Content types of PATCH. */
export const patchTypes = {
  apply: 'application/apply-patch+yaml',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

// The certificate is made by the server itself at its start. Sockets of this agent do not keep the runner alive.
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

/** Sends a call and gives the answer back as it came, whatever its status. Rejects when there is no answer in 30 s. */
export async function kubeFetch(connection: KubernetesConnection, call: KubeCall): Promise<KubeResponse> {
  const response = await openKube(connection, call, AbortSignal.timeout(30_000));
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, body: parse(text) };
}

/** Sends a call and returns the decoded body of a 2xx answer; everything else is a KubeError. */
export async function kubeRequest(
  connection: KubernetesConnection,
  method: string,
  path: string,
  body?: unknown,
  contentType?: string,
): Promise<unknown> {
  const call = { method, path, body, ...(contentType === undefined ? {} : { contentType }) };
  const answer = await kubeFetch(connection, call);
  if (answer.status < 200 || answer.status > 299) throw new KubeError(`${method} ${path}`, answer);
  return answer.body;
}

/** Server-side apply of one object at its own path, `force=true`, under this field manager. */
export async function kubeApply(
  connection: KubernetesConnection,
  path: string,
  object: unknown,
  fieldManager = 'poolkeeper-test',
): Promise<unknown> {
  return kubeRequest(connection, 'PATCH', `${path}?fieldManager=${fieldManager}&force=true`, object, patchTypes.apply);
}

/** Sends a call and gives the open answer, for watches and logs. The signal ends it. */
export function openKube(connection: KubernetesConnection, call: KubeCall, signal: AbortSignal): Promise<IncomingMessage> {
  const payload = call.body === undefined || typeof call.body === 'string' ? call.body : JSON.stringify(call.body);
  const headers = {
    authorization: `Bearer ${connection.token}`,
    accept: 'application/json',
    ...(payload === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
  };
  return new Promise((resolve, reject) => {
    const url = new URL(call.path, connection.apiServerUrl);
    const sent: ClientRequest = request(url, { method: call.method, headers, agent, signal }, resolve);
    sent.on('error', reject);
    sent.end(payload);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
