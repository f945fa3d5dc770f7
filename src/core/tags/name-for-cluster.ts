import { byBytes } from '../model/ids.ts';
import { listParts, parseTag, type Tag, tagText } from './annotation-tags.ts';

/** `traefik.<protocol>.<routers|middlewares>.<name>.<rest>`. */
const NAMED = /^(?<start>traefik\.(?<protocol>http|tcp|udp)\.(?<kind>routers|middlewares)\.(?<name>[^.]+))(?<rest>\..+)$/i;

/** What refers to routers or middlewares by name, in a comma list. */
const MIDDLEWARES = /^traefik\.(http|tcp)\.(?:routers\.[^.]+\.middlewares|middlewares\.[^.]+\.chain\.middlewares)$/i;
const PARENTS = /^traefik\.(http)\.routers\.[^.]+\.parentrefs$/i;

/**
 * The tags with the cluster in the name of every router and middleware that they define, and where they refer to one of those
 * (design section 7, `sharedService`). So two clusters register one Consul service: each has routers of its own, which Traefik
 * need not merge, and the tags of Traefik services stay byte for byte what they are, so that it merges the backends.
 */
export function nameForCluster(tags: readonly string[], cluster: string): readonly string[] {
  const parsed = tags.map(parseTag);
  const defined = new Set(parsed.flatMap(({ key }) => nameOf(key) ?? []));
  const renamed = parsed.map((tag) => tagText({ key: withCluster(tag.key, cluster), value: referring(tag, defined, cluster) }));
  return renamed.sort(byBytes);
}

/** `http/middlewares/auth` in lower case, for Traefik does not tell letter cases apart. */
function nameOf(key: string): string | undefined {
  const { protocol, kind, name } = NAMED.exec(key)?.groups ?? {};
  return name === undefined ? undefined : `${protocol}/${kind}/${name}`.toLowerCase();
}

const withCluster = (key: string, cluster: string): string => key.replace(NAMED, `$<start>-${cluster}$<rest>`);

function referring({ key, value }: Tag, defined: ReadonlySet<string>, cluster: string): string | undefined {
  const [, protocol] = MIDDLEWARES.exec(key) ?? PARENTS.exec(key) ?? [];
  if (value === undefined || protocol === undefined) return value;
  const kind = MIDDLEWARES.test(key) ? 'middlewares' : 'routers';
  const parts = listParts(value).map((part) => {
    const [, name = '', provider = ''] = /^(.*?)(@consulcatalog)?$/i.exec(part) ?? [];
    return defined.has(`${protocol}/${kind}/${name}`.toLowerCase()) ? `${name}-${cluster}${provider}` : part;
  });
  return parts.join(',');
}
