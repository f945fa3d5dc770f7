import type { JsonValue } from '../model/objects.ts';
import type { Finding } from './finding.ts';
import type { Path, PathPart, Place } from './places.ts';
import { placeInside } from './places.ts';

/** A value of plain JSON without nulls, and the places of its parts. `value` is undefined where nothing is left. */
export interface CleanTree {
  readonly value: JsonValue | undefined;
  readonly place: Place;
}

// An object of the API server holds at most 1.5 MiB; real specs stay below a few thousand values.
const MAX_VALUES = 100_000;
const MAX_DEPTH = 100;

/** How much one file may still expand to, and what was found on the way. One for all documents of a file. */
export interface CleanBudget {
  left: number;
  readonly findings: Finding[];
}

export const newBudget = (): CleanBudget => ({ left: MAX_VALUES, findings: [] });

/**
 * Copies what a parser returned into a tree of its own: aliases are written out (so that nothing is shared and nothing can
 * explode later), `null` is left out of mappings and lists, and what is not plain JSON is found. The places are copied beside it,
 * so that they match the value; their `part` keeps the index as it was written.
 */
export function cleanValue(value: unknown, place: Place, budget: CleanBudget): CleanTree {
  return new Cleaner(budget).clean(value, place, []);
}

class Cleaner {
  readonly #budget: CleanBudget;

  constructor(budget: CleanBudget) {
    this.#budget = budget;
  }

  clean(value: unknown, place: Place, path: Path): CleanTree {
    if (value === null || value === undefined) return { value: undefined, place };
    if (!this.#spend(path)) return { value: undefined, place };
    if (typeof value === 'string') this.#wellFormed(value, path);
    if (typeof value === 'string' || typeof value === 'boolean') return { value, place };
    if (typeof value === 'number') return { value: this.#number(value, path), place };
    if (Array.isArray(value)) return this.#list(value, place, path);
    return this.#mapping(value, place, path);
  }

  /** Takes one value off the budget. Once it is spent everything is dropped, which also ends the walk quickly. */
  #spend(path: Path): boolean {
    const { left, findings } = this.#budget;
    if (left <= 0) return false;
    this.#budget.left--;
    const tooMany = left === 1;
    const tooDeep = path.length > MAX_DEPTH;
    if (!tooMany && !tooDeep) return true;
    this.#budget.left = 0;
    findings.push({
      code: 'SPEC_TOO_LARGE',
      path: path.slice(0, 3),
      message: tooDeep ? `the file nests deeper than ${MAX_DEPTH} levels` : `the file expands to more than ${MAX_VALUES} values`,
      remedy: 'Write out fewer aliases, or split the file.',
    });
    return false;
  }

  /** Half a surrogate pair (`"\\ud83d"` in JSON) cannot be written as UTF-8, which every server needs. */
  #wellFormed(text: string, path: Path): void {
    if (text.isWellFormed()) return;
    const message = 'the text holds half a character (a lone surrogate)';
    this.#budget.findings.push({ code: 'SPEC_INVALID_FIELD', path, message, remedy: 'Write the whole character.' });
  }

  #number(value: number, path: Path): number | undefined {
    const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    if (exact) return value;
    this.#budget.findings.push({
      code: 'SPEC_INVALID_FIELD',
      path,
      message: 'the number cannot be kept exactly',
      remedy: 'Write a finite number below 2^53, or quote it to make it a string.',
    });
    return undefined;
  }

  #list(items: readonly unknown[], place: Place, path: Path): CleanTree {
    const values: JsonValue[] = [];
    const children = new Map<PathPart, Place>();
    items.forEach((item, index) => {
      const inner = this.clean(item, place.children.get(index) ?? placeInside(place, index), [...path, index]);
      if (inner.value === undefined) return;
      children.set(values.length, inner.place);
      values.push(inner.value);
    });
    return { value: values, place: { ...place, children } };
  }

  #mapping(mapping: object, place: Place, path: Path): CleanTree {
    const values: Record<string, JsonValue> = {};
    const children = new Map<PathPart, Place>();
    for (const [key, item] of Object.entries(mapping)) {
      const innerPath = [...path, key];
      const innerPlace = place.children.get(key) ?? placeInside(place, key);
      this.#wellFormed(key, innerPath);
      const refused = REFUSED_KEYS.get(key);
      if (refused !== undefined) {
        children.set(key, innerPlace);
        this.#budget.findings.push({ code: 'SPEC_UNKNOWN_FIELD', path: innerPath, at: 'key', ...refused });
        continue;
      }
      const inner = this.clean(item, innerPlace, innerPath);
      if (inner.value === undefined) continue;
      children.set(key, inner.place);
      values[key] = inner.value;
    }
    return { value: values, place: { ...place, children } };
  }
}

const REFUSED_KEYS: ReadonlyMap<string, { readonly message: string; readonly remedy?: string }> = new Map([
  ['__proto__', { message: 'no field is called "__proto__"' }],
  [
    '<<',
    { message: 'merge keys (<<) are not read: YAML 1.2 has none', remedy: 'Write the fields out, or use an alias for a whole value.' },
  ],
]);
