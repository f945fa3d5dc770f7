/** One part of a label's key, with what stands under it. */
export interface LabelNode {
  /** In the spelling that comes first. */
  readonly name: string;
  readonly value: string;
  readonly children: readonly LabelNode[];
}

/** Why Traefik cannot read labels. */
export class LabelError extends Error {
  /** True when Traefik's code breaks over it: then it takes no change of the whole catalog. */
  readonly freezes: boolean;
  /** Of a field that does not exist: its name, and those that do, in lower case. */
  readonly unknown: { readonly field: string; readonly known: readonly string[] } | undefined;
  constructor(message: string, { freezes = false, unknown }: { freezes?: boolean; unknown?: LabelError['unknown'] } = {}) {
    super(message);
    this.freezes = freezes;
    this.unknown = unknown;
  }
}

interface Draft {
  name: string;
  value: string;
  readonly children: Draft[];
}

/**
 * The tree of those labels whose key begins with one of the filters, in any letter case; undefined when there are none. Keys are split
 * at dots and before `[`; the same part in other letters is the same node. Throws a `LabelError` for a key with an empty part or a
 * stray bracket. Source: traefik/paerser labels_decode.go.
 */
export function labelTree(labels: ReadonlyMap<string, string>, filters: readonly string[]): LabelNode | undefined {
  const keys = [...labels.keys()].filter((key) => filters.some((filter) => key.slice(0, filter.length).toLowerCase() === filter)).sort();
  if (keys.length === 0) return undefined;
  const root: Draft = { name: 'traefik', value: '', children: [] };
  for (const key of keys) addLabel(root, partsOf(key).slice(1), labels.get(key) ?? '');
  return root;
}

function partsOf(key: string): readonly string[] {
  return key.split('.').flatMap((part) => {
    if (part === '') throw new LabelError(`invalid element: ${key}`);
    if (part.startsWith('[')) throw new LabelError(`invalid leading character '[' in field name: ${part}`);
    if (!part.endsWith(']')) return [part];
    const bracket = part.indexOf('[');
    if (bracket < 0) throw new LabelError(`${key} holds a ] without a [`, { freezes: true });
    return [part.slice(0, bracket), part.slice(bracket)];
  });
}

function addLabel(root: Draft, path: readonly string[], value: string): void {
  let node = root;
  for (const name of path) {
    let child = node.children.find((known) => known.name.toLowerCase() === name.toLowerCase());
    if (child === undefined) {
      child = { name, value: '', children: [] };
      node.children.push(child);
    }
    node = child;
  }
  node.value = value;
}
