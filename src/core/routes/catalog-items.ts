import { byBytes } from '../model/ids.ts';
import type { DynamicObject } from './dynamic-types.ts';
import { fillLabels } from './fill-labels.ts';
import { LabelError, labelTree } from './label-tree.ts';
import { readConstraint } from './match-constraint.ts';
import type { Dropped, TraefikSettings } from './predicted-routes.ts';
import type { RoutedInstance } from './route-model.ts';
import { labelsOf } from './tag-labels.ts';

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
  const known = new Map<string, TagFacts>();
  const factsOf = (tags: readonly string[]): TagFacts => {
    const key = tags.join('\n');
    const facts = known.get(key) ?? readTags(tags, settings, constraint);
    known.set(key, facts);
    return facts;
  };
  const sorted = [...instances].sort((a, b) => byBytes(a.service, b.service) || byBytes(a.consulNode, b.consulNode) || byBytes(a.id, b.id));
  const byName = Map.groupBy(sorted, ({ service }) => service);
  // Consul does not tell the cases of names apart when it is asked for the instances.
  const byFoldedName = Map.groupBy(sorted, ({ service }) => service.toLowerCase());
  return [...byName].flatMap(([service, own]) => {
    if (!isServiceLetIn(service, own, { settings, constraint, dropped })) return [];
    const group = byFoldedName.get(service.toLowerCase()) ?? own;
    const statuses = new Map(group.map((instance) => [instance.nodeId + instance.id, instance.status]));
    return group.flatMap((instance): readonly CatalogItem[] => {
      const tags = factsOf(instance.tags);
      if (tags.error !== undefined) dropped.push(unreadable(service, instance, tags.error));
      const status = statuses.get(instance.nodeId + instance.id) ?? instance.status;
      return tags.isLetIn && (healthy.has('any') || healthy.has(status)) ? [{ service, instance, tags }] : [];
    });
  });
}

type Constraint = (tags: readonly string[]) => boolean;

function readTags(tags: readonly string[], settings: TraefikSettings, constraint: Constraint): TagFacts {
  const { prefix = 'traefik', exposedByDefault = true } = settings;
  const labels = labelsOf(tags, prefix);
  const extra = readGate(labels, exposedByDefault);
  if (extra instanceof LabelError) return { tags, labels, isCanary: false, isLetIn: false, error: extra };
  // With exposedByDefault off Traefik asks Consul for one literal tag; Consul compares tags without their case.
  const isAsked = exposedByDefault || tags.some((tag) => tag.toLowerCase() === `${prefix}.enable=true`.toLowerCase());
  return { tags, labels, isCanary: extra.canary, isLetIn: isAsked && extra.enable && !extra.connect && constraint(tags) };
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
function isServiceLetIn(service: string, instances: readonly RoutedInstance[], { settings, constraint, dropped }: Gate): boolean {
  const tags = [...new Set(instances.flatMap((instance) => instance.tags))];
  const what = `Consul service ${service}`;
  const ambiguous = valuesOfGate(tags, settings.prefix ?? 'traefik').find(([, values]) => values.size > 1);
  if (ambiguous !== undefined) {
    const why = `its instances differ in ${ambiguous[0]}; chance decides at each refresh whether Traefik sees any of them`;
    dropped.push({ reason: 'chance', what, why, declaredBy: [service] });
    return false;
  }
  const extra = readGate(labelsOf(tags, settings.prefix ?? 'traefik'), settings.exposedByDefault);
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
  const values = tags.flatMap((tag) => [...labelsOf([tag], prefix)]).filter(([key]) => isGateKey(key));
  return [...Map.groupBy(values, ([key]) => key)].map(([key, group]) => [key, new Set(group.map(([, value]) => value))]);
}

const GATE = ['traefik.consulcatalog.', 'traefik.enable'];
const isGateKey = (key: string): boolean => GATE.some((filter) => key.toLowerCase().startsWith(filter));

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
