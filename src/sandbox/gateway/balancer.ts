import { createHash } from 'node:crypto';
import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { textOf } from './middleware-config.ts';
import type { RouteServer, ServingService } from './routing-table.ts';

/** A server, and the cookie that keeps the client there. */
export interface PickedServer {
  readonly server: RouteServer;
  readonly setCookie: string | undefined;
}

interface Turns {
  now: number;
  /** When it is each server's turn, by URL. */
  readonly due: Map<string, number>;
}

/**
 * Takes the servers of each service in turn, as often as their weights say and as evenly as can be (earliest deadline first); the other
 * strategies count as this one. Source: traefik pkg/server/service/loadbalancer/wrr, sticky.go.
 */
export class Balancer {
  readonly #turns = new Map<string, Turns>();

  /** Undefined when no server takes requests. `cookies` is the header of the request. */
  pick({ name, servers, cookie }: ServingService, cookies: string): PickedServer | undefined {
    const open = servers.filter(({ weight }) => weight > 0);
    const wanted = cookie === undefined ? undefined : cookieOf(cookies, textOf(cookie, 'name'));
    const stuck = wanted === undefined ? undefined : open.find(({ url }) => stickyValue(url) === wanted);
    if (stuck !== undefined) return { server: stuck, setCookie: undefined };
    const server = this.#next(name, open);
    return server === undefined ? undefined : { server, setCookie: cookie === undefined ? undefined : cookieText(cookie, server.url) };
  }

  #next(name: string, servers: readonly RouteServer[]): RouteServer | undefined {
    const { now, due } = this.#turns.get(name) ?? { now: 0, due: new Map<string, number>() };
    const dueOf = ({ url, weight }: RouteServer): number => due.get(url) ?? now + 1 / weight;
    const [first] = servers.toSorted((a, b) => dueOf(a) - dueOf(b));
    if (first === undefined) return undefined;
    const at = dueOf(first);
    // Servers that are gone are forgotten with their turns.
    const left = servers.map((server) => [server.url, server === first ? at + 1 / server.weight : dueOf(server)] as const);
    this.#turns.set(name, { now: at, due: new Map(left) });
    return first;
  }
}

const stickyValue = (url: string): string => createHash('sha256').update(url).digest('hex').slice(0, 16);

function cookieOf(cookies: string, name: string): string | undefined {
  const pairs = cookies.split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

function cookieText(cookie: DynamicObject, url: string): string {
  const [path, domain, sameSite] = [textOf(cookie, 'path'), textOf(cookie, 'domain'), textOf(cookie, 'sameSite')];
  const maxAge = Number(cookie['maxAge'] ?? 0);
  return [
    `${textOf(cookie, 'name')}=${stickyValue(url)}`,
    ...(path === '' ? [] : [`Path=${path}`]),
    ...(domain === '' ? [] : [`Domain=${domain}`]),
    ...(maxAge === 0 ? [] : [`Max-Age=${Math.max(maxAge, 0)}`]),
    ...(cookie['httpOnly'] === true ? ['HttpOnly'] : []),
    ...(cookie['secure'] === true ? ['Secure'] : []),
    ...(/^(?:none|lax|strict)$/.test(sameSite) ? [`SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`] : []),
  ].join('; ');
}
