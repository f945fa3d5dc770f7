import { freePort } from './free-port.ts';
import { makeTempDirectory } from './processes.ts';
import { answersOk, type RunningServer, startServer } from './server.ts';

/** How Traefik learns of changes in the Consul catalog. */
export type TraefikRefresh = { readonly kind: 'poll'; readonly intervalMs: number } | { readonly kind: 'watch' };

/** How to start Traefik; without `refresh` it polls every second. */
export interface TraefikOptions {
  readonly consulUrl: string;
  readonly consulToken?: string;
  readonly refresh?: TraefikRefresh;
  /** Prefix of the tags it reads; Traefik's own default is `traefik`. */
  readonly prefix?: string;
  /** Constraint expression on tags, for example "Tag(`cluster=a`)". */
  readonly constraints?: string;
  /** More command line arguments; a repeated one wins over ours. */
  readonly extraArgs?: readonly string[];
}

/** Where a Traefik answers; plain data. */
export interface TraefikConnection {
  /** Entry point `web`, plain HTTP. */
  readonly webUrl: string;
  /** Entry point `websecure`; a router on it needs `tls=true`. The certificate is Traefik's self-signed one. */
  readonly webSecureUrl: string;
  /** Base of `/api/rawdata`, `/api/http/routers`, `/ping`. */
  readonly apiUrl: string;
}

export interface TraefikServer extends TraefikConnection, RunningServer {}

/** Starts one Traefik on ports of its own and waits until its API answers. */
export async function startTraefik(options: TraefikOptions): Promise<TraefikServer> {
  const directory = await makeTempDirectory('traefik');
  try {
    const [web, webSecure, api] = [await freePort(), await freePort(), await freePort()];
    const apiUrl = `http://127.0.0.1:${api}`;
    const server = await startServer({
      name: 'traefik',
      args: traefikArgs(options, { web, webSecure, api }),
      directory: directory.path,
      isReady: () => answersOk(`${apiUrl}/api/rawdata`),
    });
    const stop = async (graceMs?: number): Promise<void> => {
      await server.stop(graceMs);
      await directory.remove();
    };
    const [webUrl, webSecureUrl] = [`http://127.0.0.1:${web}`, `https://127.0.0.1:${webSecure}`];
    return { ...server, webUrl, webSecureUrl, apiUrl, stop };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

interface TraefikPorts {
  readonly web: number;
  readonly webSecure: number;
  readonly api: number;
}

function traefikArgs(options: TraefikOptions, ports: TraefikPorts): readonly string[] {
  const catalog = '--providers.consulcatalog';
  const { host } = new URL(options.consulUrl);
  const refresh = options.refresh ?? { kind: 'poll', intervalMs: 1000 };
  const args = [
    // Nothing of a test leaves the loopback interface.
    '--global.checknewversion=false',
    '--global.sendanonymoususage=false',
    '--log.level=DEBUG',
    `--entrypoints.web.address=127.0.0.1:${ports.web}`,
    `--entrypoints.websecure.address=127.0.0.1:${ports.webSecure}`,
    `--entrypoints.traefik.address=127.0.0.1:${ports.api}`,
    '--api.insecure=true',
    '--ping=true',
    `${catalog}.endpoint.address=${host}`,
    `${catalog}.exposedByDefault=false`,
    refresh.kind === 'watch' ? `${catalog}.watch=true` : `${catalog}.refreshInterval=${refresh.intervalMs}ms`,
  ];
  if (options.consulToken !== undefined) args.push(`${catalog}.endpoint.token=${options.consulToken}`);
  if (options.prefix !== undefined) args.push(`${catalog}.prefix=${options.prefix}`);
  if (options.constraints !== undefined) args.push(`${catalog}.constraints=${options.constraints}`);
  return [...args, ...(options.extraArgs ?? [])];
}
