/** One requirement of a label selector, as Kubernetes writes it (`key=value`, `key in (a,b)`, `key`, `!key`). */
export interface SelectorRequirement {
  readonly key: string;
  readonly operator: 'in' | 'not-in' | 'exists' | 'not-exists';
  /** Empty for `exists` and `not-exists`. */
  readonly values: readonly string[];
}

/** All requirements must hold; an empty selector selects everything. */
export type LabelSelector = readonly SelectorRequirement[];

/** True when the labels satisfy every requirement. As in Kubernetes, `not-in` also selects what lacks the label. */
export function matchesSelector(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every(({ key, operator, values }) => {
    // A label may be called `constructor`.
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (operator === 'exists') return value !== undefined;
    if (operator === 'not-exists') return value === undefined;
    if (operator === 'in') return value !== undefined && values.includes(value);
    return value === undefined || !values.includes(value);
  });
}

/**
 * How the health of a pool's backends is judged: `node` by Kubernetes' word on their nodes, `endpoints` also by whether anything
 * is ready behind the Service, `esm` also by TCP connections that consul-esm tries.
 */
export const HEALTH_MODES = ['node', 'endpoints', 'esm'] as const;
export type HealthMode = (typeof HEALTH_MODES)[number];

/** HTTP statuses from one to another, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** The settings of one Service or object, read from its `poolkeeper.dev/…` annotations. What is not set is absent. */
export interface ServiceSettings {
  readonly register?: boolean;
  /** Name or number of the port that is registered; the first one when absent. */
  readonly port?: string | number;
  readonly serviceName?: string;
  readonly nodes?: LabelSelector;
  readonly minBackends?: number;
  readonly drainSeconds?: number;
  readonly health?: HealthMode;
  /** The path (with a query, if any) that probes ask for, or `off`. */
  readonly probePath?: string;
  readonly probeCodes?: readonly StatusRange[];
  readonly adopt?: boolean;
  readonly recreate?: boolean;
  readonly wave?: number;
  readonly prune?: boolean;
  /** Spec files, as paths in the repository. */
  readonly dependsOn?: readonly string[];
  /** Consul tags, verbatim, from the lines of `poolkeeper.dev/tags`. */
  readonly tags?: readonly string[];
}
