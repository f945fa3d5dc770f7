/** What the labels under one name say, by their path in lower case: `rule`, `loadbalancer.server.port`. */
export interface LabelledObject {
  /** The name, in the spelling that comes first. */
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** The HTTP objects that the tags of one instance declare, by name in lower case. */
export interface DecodedLabels {
  readonly routers: ReadonlyMap<string, LabelledObject>;
  readonly services: ReadonlyMap<string, LabelledObject>;
  readonly middlewares: ReadonlyMap<string, LabelledObject>;
  /** True when TCP or UDP routers or services are declared: then HTTP ones are not made up. */
  readonly hasTcpOrUdp: boolean;
}

export type LabelDecoding = { readonly ok: true; readonly decoded: DecodedLabels } | { readonly ok: false; readonly reason: string };

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** The first parts of what may stand under a router, a service and a middleware; anything else makes Traefik drop the instance. */
const ROUTER_FIELDS = words('entrypoints middlewares service rule rulesyntax priority tls observability');
const LOADBALANCER_FIELDS = words(
  'sticky server strategy healthcheck passivehealthcheck passhostheader responseforwarding serverstransport',
);
const SERVER_FIELDS = words('url weight preservepath scheme port');
const MIDDLEWARE_KINDS = words(
  'addprefix stripprefix stripprefixregex replacepath replacepathregex chain ipwhitelist ipallowlist headers errors ratelimit ' +
    'redirectregex redirectscheme basicauth digestauth forwardauth inflightreq buffering circuitbreaker compress ' +
    'passtlsclientcert retry contenttype grpcweb plugin',
);
/** Last parts of fields that are booleans. */
const BOOLEANS = words('passhostheader preservepath sticky cookie secure httponly tls');

/**
 * The labels among the tags of an instance: `<prefix>….=value`, the prefix replaced by `traefik`. A tag without `=` is none; the
 * last of two with one key wins.
 */
export function labelsOf(tags: readonly string[], prefix: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const tag of tags) {
    const equals = tag.indexOf('=');
    if (!tag.startsWith(prefix) || equals < 0) continue;
    const key = tag.slice(0, equals);
    labels.set(`traefik.${key.startsWith(`${prefix}.`) ? key.slice(prefix.length + 1) : key}`, tag.slice(equals + 1));
  }
  return labels;
}

/** Go's strconv.ParseBool: undefined for what it refuses. */
export function parseLabelBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

/** What `traefik.enable` says among the labels, in any letter case: at most a few values, undefined for what is no boolean. */
export const enableLabels = (labels: ReadonlyMap<string, string>): readonly (boolean | undefined)[] =>
  [...labels].filter(([key]) => key.toLowerCase() === 'traefik.enable').map(([, value]) => parseLabelBool(value));

/** Reads the HTTP labels of one instance as Traefik's paerser does: keys without regard to case, any unknown field refuses them all. */
export function decodeLabels(labels: ReadonlyMap<string, string>): LabelDecoding {
  const objects = { routers: new Map<string, Draft>(), services: new Map<string, Draft>(), middlewares: new Map<string, Draft>() };
  let hasTcpOrUdp = false;
  for (const [key, value] of [...labels].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const parts = key.split('.');
    const [, section = '', kind = ''] = parts.map((part) => part.toLowerCase());
    if (!['http', 'tcp', 'udp'].includes(section)) continue;
    if (parts.includes('')) return refuse(`invalid element: ${key}`);
    if (section !== 'http') {
      hasTcpOrUdp ||= kind === 'routers' || kind === 'services';
      continue;
    }
    const name = parts[3];
    const field = parts.slice(4).join('.').toLowerCase();
    if (!isKind(kind) || name === undefined) return refuse(`field not found, node: ${kind}`);
    if (!isKnownField(kind, field)) return refuse(`field not found, node: ${field === '' ? name : field} (in ${key})`);
    const bad = wrongValue(field, value);
    if (bad !== undefined) return refuse(`${key}: ${bad}`);
    const draft = objects[kind].get(name.toLowerCase()) ?? { name, labels: new Map<string, string>() };
    if (field !== '') draft.labels.set(field, canonical(field, value));
    objects[kind].set(name.toLowerCase(), draft);
  }
  return { ok: true, decoded: { ...objects, hasTcpOrUdp } };
}

interface Draft extends LabelledObject {
  readonly labels: Map<string, string>;
}
type Kind = 'routers' | 'services' | 'middlewares';

const isKind = (kind: string): kind is Kind => kind === 'routers' || kind === 'services' || kind === 'middlewares';
const refuse = (reason: string): LabelDecoding => ({ ok: false, reason });

function isKnownField(kind: Kind, field: string): boolean {
  const [first = '', second = '', third = ''] = field.replaceAll(/\[\d+\]/g, '').split('.');
  if (kind === 'middlewares') return MIDDLEWARE_KINDS.has(first);
  // A router may be named without any field: it gets the default rule.
  if (kind === 'routers') return first === '' || ROUTER_FIELDS.has(first);
  return first === 'loadbalancer' && LOADBALANCER_FIELDS.has(second) && (second !== 'server' || SERVER_FIELDS.has(third));
}

/** What is wrong with the value of a field that has a type, if anything. */
function wrongValue(field: string, value: string): string | undefined {
  if ((field === 'priority' || field.endsWith('.server.weight')) && !/^[+-]?\d+$/.test(value))
    return `${JSON.stringify(value)} is not a whole number`;
  const isBool = field === 'loadbalancer.passhostheader' || field.endsWith('.server.preservepath');
  return isBool && parseLabelBool(value) === undefined ? `${JSON.stringify(value)} is neither true nor false` : undefined;
}

/** One spelling for each boolean, so that instances that say the same in other words agree, as they do in Traefik. */
function canonical(field: string, value: string): string {
  const isBoolean = BOOLEANS.has(field.slice(field.lastIndexOf('.') + 1));
  return isBoolean ? String(parseLabelBool(value) ?? value) : value;
}
