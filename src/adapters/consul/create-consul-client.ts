import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { KvKey } from '../../core/model/ids.ts';
import { AppError, errorText } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';
import type {
  Answer,
  Blocking,
  CatalogQuery,
  ConsulClient,
  KeyLock,
  KeysQuery,
  SessionRequest,
  TransactionOutcome,
} from './consul-client.ts';
import { badAnswer, type ConsulFailure, classifyFailure } from './consul-failure.ts';
import { type ConsulPackage, openConsulPackage, type PackageOptions, type PackageResponse, runWithSignal } from './consul-package.ts';
import {
  decodeChecks,
  decodeErrors,
  decodeKeys,
  decodeKeyValues,
  decodeNodeInstances,
  decodeNodes,
  decodeResults,
  decodeServiceInstances,
  decodeServices,
  decodeSessionId,
  decodeToken,
  decodeVersion,
  type TokenFacts,
} from './decode-answer.ts';
import { type EnterpriseScope, scopedOperation, scopeHeaders } from './enterprise-scope.ts';
import type { TransactionOperation } from './registry-write.ts';

export interface ConsulClientOptions {
  /** `http://` or `https://`, with a path prefix if a proxy wants one. */
  readonly address: string;
  /** The ACL token; `tokenFile` wins and is read again for every request, so that a rotated token counts at once. */
  readonly token?: string;
  readonly tokenFile?: string;
  /** PEM texts, and the name to expect in the server's certificate. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly serverName?: string };
  /** Of Consul Enterprise; the community edition refuses requests that name one. */
  readonly scope?: EnterpriseScope;
  /** Deadline of one request, ms (default 10,000); a long poll gets its wait on top. */
  readonly timeoutMs?: number;
  /** Connections at most (default 16); Consul's own limit is 200 per client address. */
  readonly maxSockets?: number;
}

/** A client on the `consul` package. It opens no connection before the first request. */
export function createConsulClient(options: ConsulClientOptions): ConsulClient {
  return new PackageConsulClient(options);
}

interface Request {
  /** What the call is, for people: `GET catalog/nodes`. */
  readonly title: string;
  readonly run: (options: PackageOptions) => Promise<[PackageResponse, unknown]>;
  readonly blocking?: Blocking;
  /** Whether 404 is an answer: "nothing there". */
  readonly mayBeMissing?: true;
}

/** A failed request, with what the client itself decides on. */
class RequestError extends AppError {
  readonly failure: ConsulFailure;
  readonly body: unknown;
  constructor(failure: ConsulFailure, body: unknown) {
    // Not the package's error as the cause: it holds the request with its token.
    super(failure.problem);
    this.failure = failure;
    this.body = body;
  }
}

class PackageConsulClient implements ConsulClient {
  readonly address: string;
  readonly #options: ConsulClientOptions;
  readonly #timeoutMs: number;
  readonly #consul: ConsulPackage;

  constructor(options: ConsulClientOptions) {
    this.address = options.address.replace(/\/+$/, '');
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#consul = openConsulPackage(`${this.address}/v1`, { agent: createAgent(options), headers: scopeHeaders(options.scope) });
  }

  async listNodes(filter: string, signal: AbortSignal) {
    return this.#read({ title: 'GET catalog/nodes', run: (o) => this.#consul.catalog.node.list({ ...o, filter }) }, decodeNodes, signal);
  }

  async listInstances(node: string, signal: AbortSignal) {
    const run = this.#get('/catalog/node-services/{node}', { node });
    return this.#read({ title: `GET catalog/node-services/${node}`, run }, decodeNodeInstances, signal);
  }

  async listChecks({ nodeMeta, blocking }: CatalogQuery, signal: AbortSignal) {
    const run = (o: PackageOptions) => this.#consul.health.state({ ...o, state: 'any', ...nodeMetaOption(nodeMeta) });
    return this.#read({ title: 'GET health/state/any', run, ...(blocking === undefined ? {} : { blocking }) }, decodeChecks, signal);
  }

  async listNodeChecks(node: string, signal: AbortSignal) {
    return this.#read({ title: `GET health/node/${node}`, run: this.#get('/health/node/{node}', { node }) }, decodeChecks, signal);
  }

  async listServices({ nodeMeta, filter, blocking }: CatalogQuery, signal: AbortSignal) {
    const wanted = { ...nodeMetaOption(nodeMeta), ...(filter === undefined ? {} : { filter }) };
    const run = (o: PackageOptions) => this.#consul.catalog.service.list({ ...o, ...wanted });
    return this.#read({ title: 'GET catalog/services', run, ...(blocking === undefined ? {} : { blocking }) }, decodeServices, signal);
  }

  async listServiceInstances(service: string, signal: AbortSignal) {
    const run = this.#get('/catalog/service/{service}', { service });
    return this.#read({ title: `GET catalog/service/${service}`, run }, decodeServiceInstances, signal);
  }

  async readTree(prefix: KvKey, signal: AbortSignal) {
    const run = (o: PackageOptions) => this.#consul.kv.get({ ...o, key: prefix, recurse: true });
    return this.#read({ title: `GET kv/${prefix}?recurse`, run, mayBeMissing: true }, decodeKeyValues, signal);
  }

  async listKeys({ prefix, separator, blocking }: KeysQuery, signal: AbortSignal) {
    const run = (o: PackageOptions) => this.#consul.kv.keys({ ...o, key: prefix, ...(separator === undefined ? {} : { separator }) });
    const request: Request = { title: `GET kv/${prefix}?keys`, run, mayBeMissing: true, ...(blocking === undefined ? {} : { blocking }) };
    return this.#read(request, decodeKeys, signal);
  }

  async readKey({ key, blocking }: { key: KvKey; blocking?: Blocking }, signal: AbortSignal) {
    const run = (o: PackageOptions) => this.#consul.kv.get({ ...o, key });
    const request: Request = { title: `GET kv/${key}`, run, mayBeMissing: true, ...(blocking === undefined ? {} : { blocking }) };
    return this.#read(request, (body) => decodeKeyValues(body)[0], signal);
  }

  async readVersion(signal: AbortSignal) {
    try {
      const response = await this.#send({ title: 'GET agent/self', run: (o) => this.#consul.agent.self(o) }, signal);
      return decodeVersion(response.body);
    } catch (error) {
      if (error instanceof RequestError && [401, 403, 404].includes(error.failure.status ?? 0)) return undefined;
      throw error;
    }
  }

  async readLeader(signal: AbortSignal) {
    const { body } = await this.#send({ title: 'GET status/leader', run: (o) => this.#consul.status.leader(o) }, signal);
    if (typeof body !== 'string') throw new AppError(badAnswer('GET status/leader: the answer is not a text'));
    return body === '' ? undefined : body;
  }

  async readToken(signal: AbortSignal): Promise<TokenFacts | undefined> {
    try {
      const read = this.#get('/acl/token/self', {});
      // Whoever sends no token has this one, but Consul would not say so.
      const run: Request['run'] = (o) => read({ ...o, token: o.token || 'anonymous' });
      return decodeToken((await this.#send({ title: 'GET acl/token/self', run }, signal)).body);
    } catch (error) {
      if (error instanceof RequestError && error.failure.text.includes('ACL support disabled')) return undefined;
      throw error;
    }
  }

  async transact(operations: readonly TransactionOperation[], signal: AbortSignal): Promise<TransactionOutcome> {
    try {
      const scoped = operations.map((operation) => scopedOperation(operation, this.#options.scope));
      const run = (o: PackageOptions) => this.#consul.transaction.create(scoped, o);
      const { body } = await this.#send({ title: 'PUT txn', run }, signal);
      return { kind: 'applied', results: decodeResults(body) };
    } catch (error) {
      return transactionFailure(error);
    }
  }

  async createSession({ name, ttlMs, lockDelayMs }: SessionRequest, signal: AbortSignal) {
    // The empty list of checks keeps Consul from binding the session to the health of the agent that answers.
    const session = { name, ttl: `${ttlMs}ms`, lockdelay: `${lockDelayMs}ms`, behavior: 'release', checks: [] };
    const run = (o: PackageOptions) => this.#consul.session.create({ ...o, ...session });
    return decodeSessionId((await this.#send({ title: 'PUT session/create', run }, signal)).body);
  }

  async renewSession(id: string, signal: AbortSignal) {
    try {
      await this.#send({ title: 'PUT session/renew', run: (o) => this.#consul.session.renew({ ...o, id }) }, signal);
      return true;
    } catch (error) {
      if (error instanceof RequestError && error.failure.status === 404) return false;
      throw error;
    }
  }

  async destroySession(id: string, signal: AbortSignal) {
    await this.#send({ title: 'PUT session/destroy', run: (o) => this.#consul.session.destroy({ ...o, id }) }, signal);
  }

  async acquireKey({ session, ...entry }: KeyLock, signal: AbortSignal) {
    const run = (o: PackageOptions) => this.#consul.kv.set({ ...o, ...entry, acquire: session });
    const { body } = await this.#send({ title: `PUT kv/${entry.key}?acquire`, run }, signal);
    if (typeof body !== 'boolean') throw new AppError(badAnswer(`PUT kv/${entry.key}?acquire: the answer is neither true nor false`));
    return body;
  }

  async releaseKey({ session, ...entry }: KeyLock, signal: AbortSignal) {
    const run = (o: PackageOptions) => this.#consul.kv.set({ ...o, ...entry, release: session });
    await this.#send({ title: `PUT kv/${entry.key}?release`, run }, signal);
  }

  close(): void {
    this.#consul.destroy();
  }

  /** A read of an endpoint that the package does not know. */
  #get(path: string, params: Readonly<Record<string, string>>): Request['run'] {
    return async ({ ctx, timeout, token }) => {
      const headers: Record<string, string> = token === undefined ? {} : { 'x-consul-token': token };
      const request = { name: path, path, params, query: { consistent: '1' }, headers, timeout, ctx };
      return [await this.#consul._get(request), undefined];
    };
  }

  async #read<T>(request: Request, decode: (body: unknown) => T, signal: AbortSignal): Promise<Answer<T>> {
    const { statusCode, headers, body } = await this.#send(request, signal);
    const index = Number(headers['x-consul-index']);
    // Every read of Consul's carries it, "nothing there" too: a 404 or an empty list without it is a proxy's.
    if (!Number.isInteger(index) || index < 0) throw new AppError(badAnswer(`${request.title}: the answer has no X-Consul-Index`));
    try {
      const value = decode(statusCode === 404 ? undefined : body);
      return { value, index, filtered: headers['x-consul-results-filtered-by-acls'] === 'true' };
    } catch (error) {
      if (error instanceof AppError) throw new AppError(badAnswer(`${request.title}: ${error.problem.message}`));
      throw error;
    }
  }

  /** The one place where requests are made. */
  async #send(request: Request, signal: AbortSignal): Promise<PackageResponse> {
    const token = await this.#token();
    const { blocking } = request;
    // Consul adds up to a sixteenth of the wait, to spread the answers.
    const timeout = this.#timeoutMs + (blocking === undefined ? 0 : blocking.waitMs * (1 + 1 / 16));
    const mode = blocking === undefined ? { consistent: true } : { index: String(blocking.index), wait: `${blocking.waitMs}ms` };
    try {
      const [response] = await runWithSignal(
        (ctx) => request.run({ ...mode, ctx, timeout, ...(token === undefined ? {} : { token }) }),
        signal,
      );
      return response;
    } catch (error) {
      signal.throwIfAborted();
      const { response } = error as { readonly response?: PackageResponse };
      const failure = classifyFailure(error, request.title);
      if (failure.status === 404 && request.mayBeMissing === true && response !== undefined) return response;
      throw new RequestError(failure, response?.body);
    }
  }

  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.#options;
    if (tokenFile === undefined) return token;
    try {
      return (await readFile(tokenFile, 'utf8')).trim();
    } catch (error) {
      throw new AppError(problem('CONFIG_UNREADABLE', `the Consul token file cannot be read: ${errorText(error)}`), { cause: error });
    }
  }
}

function createAgent({ address, tls, maxSockets }: ConsulClientOptions): HttpAgent | HttpsAgent {
  const sockets = { keepAlive: true, maxSockets: maxSockets ?? 16 };
  if (!address.startsWith('https:')) return new HttpAgent(sockets);
  return new HttpsAgent({
    ...sockets,
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  });
}

/** The package passes this one option on under its hyphenated name only. */
const nodeMetaOption = (nodeMeta: readonly string[] | undefined) => (nodeMeta === undefined ? {} : { 'node-meta': nodeMeta });

function transactionFailure(error: unknown): TransactionOutcome {
  if (!(error instanceof AppError)) throw error;
  if (!(error instanceof RequestError)) {
    // The answer was 200 but not a transaction's, or the token file could not be read.
    return { kind: 'failed', problem: error.problem, unclear: error.problem.code === 'CONSUL_BAD_ANSWER' };
  }
  const { failure, body } = error;
  if (failure.status === 413) return { kind: 'too-large', text: failure.text };
  if (failure.status !== 409) return { kind: 'failed', problem: failure.problem, unclear: failure.unclear };
  try {
    return { kind: 'refused', errors: decodeErrors(body) };
  } catch {
    return { kind: 'failed', problem: badAnswer('PUT txn was answered with 409 by something that is not Consul'), unclear: false };
  }
}
