import { byBytes } from '../model/ids.ts';
import type { DynamicObject } from './dynamic-types.ts';
import { fillLabels } from './fill-labels.ts';
import { LabelError, labelTree } from './label-tree.ts';
import { readConstraint } from './match-constraint.ts';
import type { Dropped, TraefikSettings } from './predicted-routes.ts';
import type { RoutedInstance } from './route-model.ts';
import { labelPairs, labelsOf } from './tag-labels.ts';

/** An instance that Traefik makes routes of. */
export interface CatalogItem {
  readonly instance: RoutedInstance;
  /** The name of its Consul service: instances of `Web` and `web` are instances of both. */
  readonly service: string;
  readonly tags: TagFacts;
}

/** What the tags of an instance say, whosoever has them: the very same object for the same tags. */
export interface TagFacts {
  readonly tags: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  readonly isCanary: boolean;
  /** True when Traefik looks at an instance with them. */
  readonly isLetIn: boolean;
  /** Set when its own labels cannot be read. */
  readonly error?: LabelError;
}

/**
 * The instances that Traefik makes routes of, in the order in which it meets them; the order of the input does not matter. Tells of
 * services and instances that are left out by mistake, not of those that are kept out on purpose. Source: traefik
 * pkg/provider/consulcatalog getConsulServicesData, keepContainer.
 */
export function catalogItems(instances: readonly RoutedInstance[], settings: TraefikSettings, dropped: Dropped[]): readonly CatalogItem[] {
  const { constraints = '', strictChecks = ['passing', 'warning'] } = settings;
  const constraint = readConstraint(constraints);
  const healthy = new Set(strictChecks.map((status) => status.toLowerCase()));
  const gate: Gate = { settings, constraint, dropped };
  const factsOf = factsReader(settings, constraint);
  const groups = groupByService(instances, factsOf);
  return groups.flatMap(({ service, own, alike }) => {
    if (!isServiceLetIn(service, own, gate)) return [];
    const statusOf = statusReader(alike);
    const items: CatalogItem[] = [];
    for (const { instance, tags } of alike) {
      if (tags.error !== undefined) dropped.push(unreadable(service, instance, tags.error));
      if (tags.isLetIn && (healthy.has('any') || healthy.has(statusOf(instance)))) items.push({ service, instance, tags });
    }
    return items;
  });
}

/** With what they say to the gate of the service. */
interface GateFacts extends TagFacts {
  readonly gate: Extra | LabelError;
}
type FactsReader = (tags: readonly string[]) => GateFacts;

/** Reads tags, once for lists that say the same: the instances of a service mostly have equal ones. */
function factsReader(settings: TraefikSettings, constraint: Constraint): FactsReader {
  const known = new Map<string, GateFacts>();
  let last: GateFacts | undefined;
  return (tags) => {
    if (last !== undefined && isSameList(last.tags, tags)) return last;
    const key = tags.join('\n');
    last = known.get(key) ?? readTags(tags, settings, constraint);
    known.set(key, last);
    return last;
  };
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((one, i) => one === b[i]));

/** An instance with what its tags say. */
interface ReadInstance {
  readonly instance: RoutedInstance;
  readonly tags: GateFacts;
}

interface ServiceGroup {
  readonly service: string;
  readonly own: readonly ReadInstance[];
  /** Of all services of this name: Consul does not tell the cases of names apart when it is asked for the instances. */
  readonly alike: readonly ReadInstance[];
}

/** The instances by service; services in the order of their names, instances in that of their nodes and ids. */
function groupByService(instances: readonly RoutedInstance[], factsOf: FactsReader): readonly ServiceGroup[] {
  const byName = [...Map.groupBy(instances, ({ service }) => service)].sort(([a], [b]) => byBytes(a, b));
  const read = byName.map(([service, own]) => {
    const sorted = own.sort((a, b) => byBytes(a.consulNode, b.consulNode) || byBytes(a.id, b.id));
    return { service, own: sorted.map((instance) => ({ instance, tags: factsOf(instance.tags) })) };
  });
  const byFoldedName = Map.groupBy(read, ({ service }) => service.toLowerCase());
  return read.map(({ service, own }) => {
    const group = byFoldedName.get(service.toLowerCase()) ?? [];
    return { service, own, alike: group.length > 1 ? group.flatMap((one) => one.own) : own };
  });
}

/** How instances are: Traefik keeps one status, the last, for those of one id on nodes of one id. */
function statusReader(alike: readonly ReadInstance[]): (instance: RoutedInstance) => string {
  const [first] = alike;
  if (alike.every(({ instance }) => instance.status === first?.instance.status)) return ({ status }) => status;
  const statuses = new Map(alike.map(({ instance }) => [instance.nodeId + instance.id, instance.status]));
  return ({ nodeId, id, status }) => statuses.get(nodeId + id) ?? status;
}

type Constraint = (tags: readonly string[]) => boolean;

function readTags(tags: readonly string[], settings: TraefikSettings, constraint: Constraint): GateFacts {
  const { prefix = 'traefik', exposedByDefault = true } = settings;
  const labels = labelsOf(tags, prefix);
  const gate = readGate(labels, exposedByDefault);
  if (gate instanceof LabelError) return { tags, labels, gate, isCanary: false, isLetIn: false, error: gate };
  // With exposedByDefault off Traefik asks Consul for one literal tag; Consul compares tags without their case.
  const isAsked = exposedByDefault || tags.some((tag) => tag.toLowerCase() === `${prefix}.enable=true`.toLowerCase());
  return { tags, labels, gate, isCanary: gate.canary, isLetIn: isAsked && gate.enable && !gate.connect && constraint(tags) };
}

const unreadable = (service: string, instance: RoutedInstance, { message }: LabelError): Dropped => ({
  reason: 'instance',
  what: instanceTitle(instance),
  why: `its tags cannot be read: ${message}`,
  declaredBy: [service],
});

interface Gate {
  readonly settings: TraefikSettings;
  readonly constraint: Constraint;
  readonly dropped: Dropped[];
}

/** Traefik first looks at the tags of all instances of a service together. */
function isServiceLetIn(service: string, instances: readonly ReadInstance[], { settings, constraint, dropped }: Gate): boolean {
  const lists = [...new Set(instances.map(({ tags }) => tags))];
  const [only] = lists.length === 1 ? lists : [];
  const tags = only?.tags ?? [...new Set(lists.flatMap((facts) => facts.tags))];
  const what = `Consul service ${service}`;
  const ambiguous = valuesOfGate(tags, settings.prefix ?? 'traefik').find(([, values]) => values.size > 1);
  if (ambiguous !== undefined) {
    const why = `its instances differ in ${ambiguous[0]}; chance decides at each refresh whether Traefik sees any of them`;
    dropped.push({ reason: 'chance', what, why, declaredBy: [service] });
    return false;
  }
  const extra = only?.gate ?? readGate(labelsOf(tags, settings.prefix ?? 'traefik'), settings.exposedByDefault);
  if (extra instanceof LabelError) {
    dropped.push({
      reason: extra.freezes ? 'freeze' : 'service',
      what,
      why: `its tags cannot be read: ${extra.message}`,
      declaredBy: [service],
    });
    return false;
  }
  return extra.enable && !extra.connect && constraint(tags);
}

/** The values that the tags of the gate have among all instances of a service. */
function valuesOfGate(tags: readonly string[], prefix: string): readonly (readonly [string, ReadonlySet<string>])[] {
  const values = labelPairs(tags, prefix).filter(([key]) => isGateKey(key));
  return [...Map.groupBy(values, ([key]) => key)].map(([key, group]) => [key, new Set(group.map(([, value]) => value))]);
}

const GATE = ['traefik.consulcatalog.', 'traefik.enable'];
const isGateKey = (key: string): boolean => {
  const lower = key.toLowerCase();
  return GATE.some((filter) => lower.startsWith(filter));
};

export const instanceTitle = ({ id, consulNode }: RoutedInstance): string => `instance ${id} on ${consulNode}`;

/** What the labels of the provider itself say. */
interface Extra {
  readonly enable: boolean;
  readonly connect: boolean;
  readonly canary: boolean;
}

/** Reads the labels that decide whether Traefik looks at an instance at all. */
export function readGate(labels: ReadonlyMap<string, string>, exposedByDefault = true): Extra | LabelError {
  try {
    const tree = labelTree(labels, GATE);
    const extra: DynamicObject =
      tree === undefined ? { enable: exposedByDefault } : fillLabels('Extra', tree, { enable: exposedByDefault });
    const catalog = (extra['consulCatalog'] ?? {}) as DynamicObject;
    return { enable: extra['enable'] === true, connect: catalog['connect'] === true, canary: catalog['canary'] === true };
  } catch (error) {
    if (error instanceof LabelError) return error;
    throw error;
  }
}
