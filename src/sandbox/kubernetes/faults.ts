export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** One request that reached the API. `resource` is the plural name; the name of a collection is empty. */
export interface RequestRecord {
  readonly verb: Verb;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly dryRun: boolean;
}

/**
 * What goes wrong. A status: answered with this code. `close`: the connection is cut before anything is done; `lose-answer`: it
 * is cut after the request was carried out; `hang`: no answer at all.
 */
export type Fault = { readonly status: number; readonly message?: string } | 'close' | 'lose-answer' | 'hang';

/** Which requests a fault meets; a field that is left out matches all. */
export interface FaultRule extends Partial<Pick<RequestRecord, 'verb' | 'resource' | 'namespace' | 'name'>> {
  readonly fault: Fault;
  /** How many requests; default 1. */
  readonly times?: number;
}

/** The faults that wait for their requests. */
export class Faults {
  readonly #left = new Map<FaultRule, number>();

  /** Adds a rule and returns the function that takes it away. */
  add(rule: FaultRule): () => void {
    this.#left.set(rule, rule.times ?? 1);
    return () => this.#left.delete(rule);
  }

  /** The fault that this request meets, if any; uses up one of its times. */
  take(request: RequestRecord): Fault | undefined {
    const fits = (rule: FaultRule): boolean =>
      (['verb', 'resource', 'namespace', 'name'] as const).every((field) => rule[field] === undefined || rule[field] === request[field]);
    const [rule, left = 0] = [...this.#left].find(([candidate]) => fits(candidate)) ?? [];
    if (rule === undefined) return undefined;
    if (left > 1) this.#left.set(rule, left - 1);
    else this.#left.delete(rule);
    return rule.fault;
  }
}
