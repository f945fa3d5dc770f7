import type { DynamicObject, DynamicValue } from './dynamic-types.ts';
import type { MergedObject } from './merge-configurations.ts';
import type { PredictedObject, PredictedObjects, RouteStatus } from './predicted-routes.ts';

/** An object while Traefik builds it: it qualifies names in its configuration, and finds errors. */
export class JudgedObject {
  readonly name: string;
  readonly declaredBy: readonly string[];
  config: DynamicObject;
  status: RouteStatus = 'enabled';
  readonly errors: string[] = [];
  readonly usedBy: string[] = [];
  readonly using = new Set<string>();

  constructor({ name, config, declaredBy }: MergedObject) {
    this.name = name;
    this.config = config;
    this.declaredBy = declaredBy;
  }

  /** Each error counts once. A fatal one disables the object. */
  addError(message: string, severity: 'fatal' | 'warning' = 'fatal'): void {
    if (this.errors.includes(message)) return;
    this.errors.push(message);
    if (severity === 'fatal') this.status = 'disabled';
    else if (this.status === 'enabled') this.status = 'warning';
  }

  text(field: string): string {
    const value = this.config[field];
    return typeof value === 'string' ? value : '';
  }

  list(field: string): readonly string[] {
    const value = this.config[field];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  set(field: string, value: DynamicValue): void {
    this.config = { ...this.config, [field]: value };
  }
}

/** Objects by their name with its provider. */
export type JudgedObjects = ReadonlyMap<string, JudgedObject>;

export const PROVIDER = 'consulcatalog';
const providerOf = (name: string): string => name.split('@')[1] ?? PROVIDER;

/** A name with its provider: that of the object that speaks of it, unless it says another. */
export const qualified = (name: string, by: string): string => (name.includes('@') ? name : `${name}@${providerOf(by)}`);

export const judgedObjects = (objects: readonly MergedObject[]): JudgedObjects =>
  new Map(objects.map((object) => [`${object.name}@${PROVIDER}`, new JudgedObject({ ...object, name: `${object.name}@${PROVIDER}` })]));

export function predictedObjects(objects: JudgedObjects): PredictedObjects {
  return new Map(
    [...objects].map(([name, { config, status, errors, declaredBy, usedBy, using }]): [string, PredictedObject] => [
      name,
      { name, config: shownConfig(config), status, errors, declaredBy, usedBy: usedBy.sort(), using: [...using].sort() },
    ]),
  );
}

/** As JSON in Go shows it: an empty list is left out. Of what tags can write only the domains of TLS may be one. */
function shownConfig(config: DynamicObject): DynamicObject {
  const tls = config['tls'] as DynamicObject | undefined;
  if (!Array.isArray(tls?.['domains']) || tls['domains'].length > 0) return config;
  const { domains: _, ...rest } = tls;
  return { ...config, tls: rest };
}
