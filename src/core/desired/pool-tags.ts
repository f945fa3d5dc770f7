import type { Problem } from '../../shared/problem.ts';
import type { PoolKey } from '../model/ids.ts';
import { kindOf, poolKey, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, KubernetesObject, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { ServiceSettings } from '../model/settings.ts';
import { readSettings } from '../spec/read-settings.ts';
import { buildTags } from '../tags/build-tags.ts';
import { traefikName } from '../tags/traefik-names.ts';

/** A Service as far as its tags are made from it. */
export interface TaggedService {
  /** Without our marks. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly settings: ServiceSettings;
  readonly namespace: string;
  readonly name: string;
}

/** Under which Consul service a pool is registered, and with which tags. */
export interface PoolTags {
  readonly service: string;
  readonly tags: readonly string[];
  readonly problems: readonly Problem[];
}

/** The Traefik 3 service of a Consul service that tags name; undefined when no spec has it. */
export type TraefikServiceOf = (consulService: string) => string | undefined;

/** Those of the Services that specs ask for, read when the first one is asked for: few tags name another service. */
export function traefikServices(objects: () => Iterable<SpecObject>): TraefikServiceOf {
  let names: ReadonlyMap<string, string> | undefined;
  return (consulService) => {
    names ??= new Map([...objects()].flatMap(({ key, object }) => (kindOf(key) === SERVICE_KIND ? [nameOf(object)] : [])));
    return names.get(consulService);
  };
}

/** The same, with a note of each that is asked for. */
export const noting =
  (traefikServiceOf: TraefikServiceOf, notes: Map<string, string | undefined>): TraefikServiceOf =>
  (consulService) => {
    const name = traefikServiceOf(consulService);
    notes.set(consulService, name);
    return name;
  };

function nameOf({ metadata: { name, namespace = '', annotations = {} } }: KubernetesObject): readonly [string, string] {
  return [readSettings(annotations).settings.serviceName ?? name, traefikName(namespace, name)];
}

/** Builds the name and the tags of a pool. */
export function poolTags(
  { annotations, settings, namespace, name }: TaggedService,
  policy: Policy,
  traefikServiceOf: TraefikServiceOf,
): PoolTags {
  const service = settings.serviceName ?? name;
  const { tags, problems } = buildTags({
    annotations,
    extraTags: settings.tags ?? [],
    namespace,
    name,
    dialect: policy.dialect,
    entryPoints: policy.entryPoints,
    translation: policy.translation,
    service,
    traefikServiceOf,
    ...(policy.sharedService ? { cluster: policy.cluster } : {}),
  });
  return { service, tags, problems };
}

/** A pool that a spec asks for, told from the file alone. */
export interface WishedPool extends PoolTags {
  readonly pool: PoolKey;
}

/** The pool that an object of a spec asks for; undefined when it asks for none. */
export function wishedPool(
  { key, object }: SpecObject,
  policy: Policy,
  traefikServiceOf: TraefikServiceOf = () => undefined,
): WishedPool | undefined {
  const { name, namespace = '', annotations = {} } = object.metadata;
  if (kindOf(key) !== SERVICE_KIND || (object['spec'] as JsonObject | undefined)?.['type'] !== 'NodePort') return undefined;
  const { settings, problems } = readSettings(annotations);
  if (settings.register === false) return undefined;
  const built = poolTags({ annotations, settings, namespace, name }, policy, traefikServiceOf);
  return { ...built, pool: poolKey(namespace, name), problems: [...problems, ...built.problems] };
}
