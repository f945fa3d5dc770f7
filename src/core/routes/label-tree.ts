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
  readonly name: string;
  readonly lower: string;
  value: string;
  readonly children: Draft[];
}

/**
 * The tree of those labels whose key begins with one of the filters, in any letter case; undefined when there are none. Keys are split
 * at dots and before `[`; the same part in other letters is the same node. Throws a `LabelError` for a key with an empty part or a
 * stray bracket. Source: traefik/paerser labels_decode.go.
 */
export function labelTree(labels: ReadonlyMap<string, string>, filters: readonly string[]): LabelNode | undefined {
  const isAsked = (key: string): boolean => {
    const lower = key.toLowerCase();
    return filters.some((filter) => lower.startsWith(filter));
  };
  const keys = [...labels.keys()].filter(isAsked).sort();
  if (keys.length === 0) return undefined;
  const root: Draft = { name: 'traefik', lower: 'traefik', value: '', children: [] };
  for (const key of keys) addLabel(root, partsOf(key).slice(1), labels.get(key) ?? '');
  return root;
}

function partsOf(key: string): readonly string[] {
  const parts = key.split('.');
  if (!key.includes('[') && !key.includes(']') && !parts.includes('')) return parts;
  return parts.flatMap((part) => {
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
    // The keys come in order, so that the same part mostly comes again at once.
    const last = node.children.at(-1);
    node = last?.name === name ? last : childOf(node, name);
  }
  node.value = value;
}

function childOf({ children }: Draft, name: string): Draft {
  const lower = name.toLowerCase();
  const known = children.find((child) => child.lower === lower);
  if (known !== undefined) return known;
  const child = { name, lower, value: '', children: [] };
  children.push(child);
  return child;
}
