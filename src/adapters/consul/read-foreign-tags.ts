import { catalogName, isOwnMeta } from '../../core/model/consul-names.ts';
import { MANAGED_BY, META } from '../../core/model/marks.ts';
import type { Answer, ConsulClient } from './consul-client.ts';
import { mapLimited } from './map-limited.ts';
import type { RegistryIdentity } from './registry-identity.ts';

/** Of each Consul service of others the tags of its instances, every list that differs once. */
export type ForeignTags = ReadonlyMap<string, readonly (readonly string[])[]>;

/** What is read, and what is known of it already. */
export interface ForeignTagsRequest {
  readonly client: Pick<ConsulClient, 'listServiceInstances'>;
  readonly identity: RegistryIdentity;
  /** Consul services by name, with all tags of the instances of others. */
  readonly services: ReadonlyMap<string, readonly string[]>;
  readonly names: ReadonlySet<string>;
  /** What was read at the same index of all services. */
  readonly known: ForeignTags | undefined;
  readonly refuseFiltered: (answers: readonly Answer<unknown>[]) => void;
}

const PARALLEL_SERVICES = 8;

/**
 * The tags of what others have registered. The list of Consul services tells them without a request more: its tags are those of all
 * instances, which mostly have the same. Only where it says one label twice, so that instances must differ, these are read.
 */
export async function readForeignTags(request: ForeignTagsRequest, signal: AbortSignal): Promise<ForeignTags> {
  const { client, services, names, known, refuseFiltered } = request;
  const found = [...services].filter(([name]) => names.has(catalogName(name)));
  const read = await mapLimited(found, PARALLEL_SERVICES, async ([name, tags]) => {
    if (!saysTwice(tags)) return [name, [tags]] as const;
    const before = known?.get(name);
    if (before !== undefined) return [name, before] as const;
    const answer = await client.listServiceInstances(name, signal);
    refuseFiltered([answer]);
    const lists = answer.value.filter(({ meta }) => isForeign(meta, request.identity)).map((instance) => [...instance.tags].sort());
    return [name, [...new Map(lists.map((list) => [JSON.stringify(list), list])).values()]] as const;
  });
  return new Map(read);
}

/** Whether a label, `a.b=c`, has two values. Other tags may well stand side by side. */
function saysTwice(tags: readonly string[]): boolean {
  const keys = tags.flatMap((tag) => /^([^=]*\.[^=]*)=/.exec(tag)?.[1]?.toLowerCase() ?? []);
  return new Set(keys).size < keys.length;
}

/** As `foreignFilter` says it to Consul. */
function isForeign(meta: Readonly<Record<string, string>>, { owner, cluster, sharedService }: RegistryIdentity): boolean {
  const isSharing = sharedService === true && meta[META.managedBy] === MANAGED_BY && meta[META.shared] === 'true';
  return !isSharing && !isOwnMeta(meta, owner, cluster);
}
