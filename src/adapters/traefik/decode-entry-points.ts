import type { GatewayEntryPoint, ShownValue } from '../../core/model/gateway.ts';

type Json = Readonly<Record<string, unknown>>;

/** Reads the text of `/api/entrypoints` of Traefik 3; undefined for anything else. Source: traefik pkg/config/static/entrypoints.go. */
export function decodeEntryPoints(text: string): readonly GatewayEntryPoint[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const read = (list as readonly unknown[]).map((one) => (isObject(one) ? entryPointOf(one) : undefined));
  const known = read.filter((one) => one !== undefined);
  // A Traefik without an entry point has no API: an empty list is somebody else's.
  return known.length === 0 || known.length < read.length ? undefined : known.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function entryPointOf({ name, address, asDefault, http, observability }: Json): GatewayEntryPoint | undefined {
  if (typeof name !== 'string' || name === '') return undefined;
  const { tls, middlewares } = isObject(http) ? http : {};
  const names = Array.isArray(middlewares) ? (middlewares as readonly unknown[]).filter((one) => typeof one === 'string') : [];
  return {
    name,
    ...(typeof address === 'string' && address.toLowerCase().endsWith('/udp') ? { protocol: 'udp' } : {}),
    ...(asDefault === true ? { asDefault } : {}),
    ...(isObject(tls) ? { tls: tls as Readonly<Record<string, ShownValue>> } : {}),
    ...(names.length === 0 ? {} : { middlewares: names }),
    ...(isObject(observability) ? { observability: observability as Readonly<Record<string, ShownValue>> } : {}),
  };
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
