import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { freePort } from './free-port.ts';
import { GitRepository } from './git-repository.ts';
import { makeTempDirectory } from './processes.ts';

/** Who may read; without it everybody. */
export interface GitServerOptions {
  readonly user?: string;
  readonly password?: string;
  /** Serves https with this certificate; with `clientCa` only to clients with a certificate of that authority. PEM. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

/**
 * How the server behaves: `serving`; `down` (connections are refused); `hanging` (requests are never answered);
 * `failing` (every answer is 500).
 */
export type GitServerMode = 'serving' | 'down' | 'hanging' | 'failing';

/** A Git server over HTTP with one bare repository. */
export interface GitServer {
  /** URL to clone, without credentials. */
  readonly url: string;
  /** URL to clone with the credentials in it; the same as `url` when there are none. */
  readonly urlWithCredentials: string;
  readonly repository: GitRepository;
  /** Commits to the repository; see GitRepository. */
  readonly commit: GitRepository['commit'];
  /** HTTP requests answered so far, of whatever outcome. */
  requests(): number;
  setMode(mode: GitServerMode): Promise<void>;
  /** Changes the password that is asked for. */
  setPassword(password: string): void;
  stop(): Promise<void>;
}

/** Starts a Git server (`git http-backend`, protocol 2, read only) with an empty repository `specs.git`. */
export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  const directory = await makeTempDirectory('git');
  try {
    const repository = await GitRepository.create(join(directory.path, 'specs.git'));
    const http = new GitHttp(directory.path, options, await freePort());
    await http.setMode('serving');
    const url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${http.port}/specs.git`;
    const { user, password } = options;
    const credentials = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@`;
    return {
      url,
      urlWithCredentials: url.replace('://', `://${credentials}`),
      repository,
      commit: repository.commit.bind(repository),
      requests: () => http.requests,
      setMode: (mode) => http.setMode(mode),
      setPassword: (changed) => http.setPassword(changed),
      stop: async () => {
        await http.setMode('down');
        await directory.remove();
      },
    };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

class GitHttp {
  readonly port: number;
  requests = 0;
  readonly #root: string;
  readonly #user: string | undefined;
  #password: string;
  readonly #tls: GitServerOptions['tls'];
  #mode: GitServerMode = 'down';
  #server: Server | undefined;

  constructor(root: string, options: GitServerOptions, port: number) {
    this.#root = root;
    this.#user = options.user;
    this.#password = options.password ?? '';
    this.#tls = options.tls;
    this.port = port;
  }

  setPassword(password: string): void {
    this.#password = password;
  }

  async setMode(mode: GitServerMode): Promise<void> {
    this.#mode = mode;
    const server = this.#server;
    if (server !== undefined) {
      // Connections of the mode before end, or a hanging request would stay open for ever.
      server.closeAllConnections();
      if (mode !== 'down') return;
      this.#server = undefined;
      await new Promise((resolve) => server.close(resolve));
      return;
    }
    if (mode === 'down') return;
    const opened = this.#createServer((request, response) => this.#answer(request, response));
    opened.listen(this.port, '127.0.0.1');
    await once(opened, 'listening');
    this.#server = opened;
  }

  #createServer(listener: (request: IncomingMessage, response: ServerResponse) => void): Server {
    if (this.#tls === undefined) return createServer(listener);
    const { cert, key, clientCa } = this.#tls;
    if (clientCa === undefined) return createTlsServer({ cert, key }, listener);
    // As nginx does: whoever has no good certificate gets an answer. A broken handshake would be told in words that depend on timing.
    return createTlsServer({ cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      if ((request.socket as TLSSocket).authorized) listener(request, response);
      else response.writeHead(400).end('No required SSL certificate was sent\n');
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    if (this.#mode === 'hanging') return;
    if (this.#mode === 'failing') {
      response.writeHead(500).end('the test wants this to fail\n');
    } else if (!this.#mayRead(request)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="specs"' }).end('wrong user or password\n');
    } else {
      runBackend(this.#root, request, response);
    }
  }

  #mayRead(request: IncomingMessage): boolean {
    if (this.#user === undefined) return true;
    const expected = Buffer.from(`${this.#user}:${this.#password}`).toString('base64');
    return request.headers.authorization === `Basic ${expected}`;
  }
}

/** Lets `git http-backend` (a CGI program) answer the request. */
function runBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      CONTENT_LENGTH: request.headers['content-length'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: header(request, 'git-protocol'),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  response.on('close', () => child.kill('SIGKILL'));
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeCgiHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.stdout.on('end', () => response.end());
}

function writeCgiHead(response: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
