import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { PoolKey, SpecId } from '../model/ids.ts';
import { poolKey } from '../model/ids.ts';
import { MARKS } from '../model/marks.ts';
import type { JsonObject, KubernetesObject, LiveObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { ServiceSettings } from '../model/settings.ts';
import { readSettings } from '../spec/read-settings.ts';
import { poolTags, type TraefikServiceOf } from './pool-tags.ts';
import type { ServicePort } from './service-ports.ts';
import { isDrainingPort, isOurPort, portsOf } from './service-ports.ts';

/** One pool as its Service says: built from the live, owned Service, with the annotations of the desired one laid over it. */
export interface PoolView {
  readonly pool: PoolKey;
  readonly spec: SpecId;
  readonly namespace: string;
  readonly name: string;
  readonly live: LiveObject;
  /** The annotations that count: the desired ones, or the live ones when no spec says any. Without our marks. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly settings: ServiceSettings;
  /** Name of the Consul service. */
  readonly service: string;
  readonly tags: readonly string[];
  /** The registered port's name (empty for an unnamed one) and NodePort; undefined while no NodePort is allocated. */
  readonly portName: string;
  readonly nodePort: number | undefined;
  readonly local: boolean;
  /** Why the pool must leave Consul; undefined when it is to stay. */
  readonly leaving: string | undefined;
  /** True when it leaves only until what serves it has been created again. */
  readonly returns: boolean;
  /** False when its spec wants it out of Consul and the Service that says so cannot be applied: then it goes on if it is there, and stays out if not. */
  readonly mayEnter: boolean;
  /** Problems of its annotations. With an error among them its registrations stay as they are. */
  readonly problems: readonly Problem[];
}

/** What a pool is built from. `desired` is absent when no decoded spec holds the Service any more. */
export interface PoolSource {
  readonly spec: SpecId;
  readonly live: LiveObject;
  readonly desired: KubernetesObject | undefined;
  /** What its spec says of it, also where that is not `desired` since it cannot be applied now. */
  readonly wish: KubernetesObject | undefined;
  /** True when the Service is to be deleted. */
  readonly pruned: boolean;
  /** What is deleted and created again that the pool cannot do without, in words. */
  readonly recreated: string | undefined;
}

/** Builds the view of one pool. */
export function viewPool(source: PoolSource, policy: Policy, traefikServiceOf: TraefikServiceOf = () => undefined): PoolView {
  const { live, desired } = source;
  const annotations = withoutMarks(desired === undefined ? live.annotations : (desired.metadata.annotations ?? {}));
  const { settings, problems } = readSettings(annotations);
  const built = poolTags({ annotations, settings, namespace: live.namespace, name: live.name }, policy, traefikServiceOf);
  const port = choosePort(source, settings);
  const title = `Service ${live.namespace}/${live.name}`;
  const missing =
    port === undefined && settings.port !== undefined ? [problem('POOL_PORT_MISSING', `${title} has no port ${settings.port}`)] : [];
  return {
    pool: poolKey(live.namespace, live.name),
    spec: source.spec,
    namespace: live.namespace,
    name: live.name,
    live,
    annotations,
    settings,
    service: built.service,
    tags: built.tags,
    portName: port?.name ?? '',
    nodePort: port?.nodePort,
    local: live.spec['externalTrafficPolicy'] === 'Local',
    leaving: whyLeaving(source, settings) ?? source.recreated,
    returns: whyLeaving(source, settings) === undefined && source.recreated !== undefined,
    mayEnter: source.wish === desired || !wantsOut(source),
    problems: [...problems, ...built.problems, ...missing],
  };
}

const OUR_MARKS: ReadonlySet<string> = new Set([MARKS.id, MARKS.spec, MARKS.hash]);

const withoutMarks = (annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => !OUR_MARKS.has(key)));

function whyLeaving({ live, desired, pruned }: PoolSource, settings: ServiceSettings): string | undefined {
  if (pruned) return 'its Service is no longer in any spec';
  if (live.deleting) return 'its Service is being deleted';
  const type = (desired === undefined ? live.spec : (desired['spec'] as JsonObject | undefined))?.['type'] ?? 'ClusterIP';
  if (type !== 'NodePort') return `its Service is of type ${String(type)}, no longer NodePort`;
  if (settings.register === false) return 'the annotation poolkeeper.dev/register says false';
  return undefined;
}

function wantsOut({ wish, ...source }: PoolSource): boolean {
  const { settings } = readSettings(wish?.metadata.annotations ?? {});
  return wish !== undefined && whyLeaving({ ...source, wish, desired: wish }, settings) !== undefined;
}

/** The port that is registered: the one that the settings name, else the first of the spec, whatever others have put before it. */
function choosePort({ live, desired }: PoolSource, { port: wanted }: ServiceSettings): ServicePort | undefined {
  const ports = portsOf(live.spec).filter((port) => !isDrainingPort(port));
  if (wanted !== undefined) return ports.find((port) => port.name === String(wanted) || port.port === Number(wanted));
  const [first] = desired === undefined ? [] : portsOf((desired['spec'] ?? {}) as JsonObject);
  const isFirst = (port: ServicePort): boolean => port.port === first?.port && port.protocol === first.protocol;
  return ports.find(isFirst) ?? ports.find((port) => isOurPort(live, port)) ?? ports[0];
}

/** True for a live Service that makes (or made) a pool. */
export const isNodePort = (live: LiveObject): boolean => live.spec['type'] === 'NodePort';
