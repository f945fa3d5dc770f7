import type { Problem } from '../../shared/problem.ts';
import type { PoolKey } from '../model/ids.ts';
import { kindOf, poolKey, SERVICE_KIND } from '../model/ids.ts';
import type { JsonObject, SpecObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import type { ServiceSettings } from '../model/settings.ts';
import { readSettings } from '../spec/read-settings.ts';
import { buildTags } from '../tags/build-tags.ts';

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

/** Builds the name and the tags of a pool. */
export function poolTags({ annotations, settings, namespace, name }: TaggedService, policy: Policy): PoolTags {
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
    ...(policy.sharedService ? { cluster: policy.cluster } : {}),
  });
  return { service, tags, problems };
}

/** A pool that a spec asks for, told from the file alone. */
export interface WishedPool extends PoolTags {
  readonly pool: PoolKey;
}

/** The pool that an object of a spec asks for; undefined when it asks for none. */
export function wishedPool({ key, object }: SpecObject, policy: Policy): WishedPool | undefined {
  const { name, namespace = '', annotations = {} } = object.metadata;
  if (kindOf(key) !== SERVICE_KIND || (object['spec'] as JsonObject | undefined)?.['type'] !== 'NodePort') return undefined;
  const { settings, problems } = readSettings(annotations);
  if (settings.register === false) return undefined;
  const built = poolTags({ annotations, settings, namespace, name }, policy);
  return { ...built, pool: poolKey(namespace, name), problems: [...problems, ...built.problems] };
}
