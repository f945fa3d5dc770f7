import { EVENT_ID, type Event, getScalarValue, loadAll, parseEvents, YAMLException } from 'js-yaml';
import type { Problem, SourcePosition } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';

/** One leaf of a configuration file: a value under its dotted key. */
export interface YamlLeaf {
  readonly key: string;
  readonly value: unknown;
  readonly where: SourcePosition;
}

/** A configuration file taken apart, or why it cannot be. */
export type YamlFile =
  | { readonly kind: 'ok'; readonly leaves: readonly YamlLeaf[] }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/**
 * Reads a configuration file. A mapping whose dotted key is in `sections` is entered, anything else is a leaf; `null` means
 * absent. An empty file is an empty configuration.
 */
export function readYaml(file: string, text: string, sections: ReadonlySet<string>): YamlFile {
  try {
    const documents = loadAll(text, { maxAliases: 100 });
    const [root = {}] = documents;
    if (documents.length > 1) return invalid('holds more than one YAML document', place(file, text, 0));
    if (root === null) return { kind: 'ok', leaves: [] };
    if (!isMapping(root)) return invalid('must be a mapping of options, such as "cluster: main"', place(file, text, 0));
    const offsets = keyOffsets(text);
    const leaves: YamlLeaf[] = [];
    const walk = (mapping: Readonly<Record<string, unknown>>, prefix: string): void => {
      for (const [name, value] of Object.entries(mapping)) {
        const key = prefix + name;
        if (value === null) continue;
        if (sections.has(key) && isMapping(value)) walk(value, `${key}.`);
        else leaves.push({ key, value, where: place(file, text, offsets.get(key) ?? 0) });
      }
    };
    walk(root, '');
    return { kind: 'ok', leaves };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { mark } = error;
    return invalid(error.reason, { file, line: (mark?.line ?? 0) + 1, column: (mark?.column ?? 0) + 1, path: '' });
  }
}

function invalid(message: string, where: SourcePosition): YamlFile {
  const remedy = 'Correct the YAML at this place.';
  return { kind: 'invalid', problems: [problem('CONFIG_INVALID', `the configuration file: ${message}`, { where, remedy })] };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function place(file: string, text: string, offset: number): SourcePosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { file, line: before.split('\n').length, column: offset - lineStart + 1, path: '' };
}

/** Where each key stands, by its dotted path. Items of lists are not entered: options that are lists are leaves. */
function keyOffsets(text: string): ReadonlyMap<string, number> {
  const events = parseEvents(text, {});
  const offsets = new Map<string, number>();
  let next = 0;
  const skip = (event: Event | undefined): void => {
    if (event === undefined || event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS) return;
    for (let inner = events[next++]; inner !== undefined && inner.type !== EVENT_ID.POP; inner = events[next++]) skip(inner);
  };
  const enter = (event: Event | undefined, prefix: string): void => {
    if (event?.type !== EVENT_ID.MAPPING) {
      skip(event);
      return;
    }
    for (let key = events[next++]; key !== undefined && key.type !== EVENT_ID.POP; key = events[next++]) {
      if (key.type === EVENT_ID.SCALAR) {
        const path = prefix + getScalarValue(text, key);
        offsets.set(path, key.valueStart);
        enter(events[next++], `${path}.`);
      } else {
        skip(key);
        skip(events[next++]);
      }
    }
  };
  const [first] = events;
  if (first?.type === EVENT_ID.DOCUMENT) next = 1;
  enter(events[next++], '');
  return offsets;
}
