import type { Event as YamlEvent } from 'js-yaml';
import { EVENT_ID, getScalarValue, SCALAR_STYLE } from 'js-yaml';

/** One step into a document: a key or an index. */
export type PathPart = string | number;
/** The way from the root of a document (or of an object in it) to a value. */
export type Path = readonly PathPart[];

/** Where one value stands in the text, as offsets, and what is inside it. `part` is the last step of its path, as written. */
export interface Place {
  readonly part: PathPart | undefined;
  readonly start: number;
  readonly keyStart: number;
  readonly children: ReadonlyMap<PathPart, Place>;
}

const NOTHING: ReadonlyMap<PathPart, Place> = new Map();

/** A place for a value that the text does not tell apart from its parent. */
export const placeInside = (parent: Place, part: PathPart): Place => ({
  part,
  start: parent.start,
  keyStart: parent.keyStart,
  children: NOTHING,
});

/** A key that stands in one mapping twice: where it stands first, and where again, as offsets. */
export interface RepeatedKey {
  readonly first: number;
  readonly again: number;
}

/** The places of every document of a text, in order, and the keys that stand in a mapping twice. */
export interface TextPlaces {
  readonly documents: readonly Place[];
  readonly repeated: readonly RepeatedKey[];
}

/** The places of every document of a text, in order, from the events that js-yaml made of it. */
export const readPlaces = (text: string, events: readonly YamlEvent[]): readonly Place[] => readTextPlaces(text, events, 0).documents;

/** The same with the keys that stand twice. The text begins at the offset `base` of its file. */
export function readTextPlaces(text: string, events: readonly YamlEvent[], base: number): TextPlaces {
  const reader = new PlaceReader(text, events, base);
  return { documents: reader.documents(), repeated: reader.repeated };
}

/** Walks the flat list of events once. Its depth is that of the text, which the parser limits. */
class PlaceReader {
  readonly #text: string;
  readonly #events: readonly YamlEvent[];
  readonly #base: number;
  readonly #anchors = new Map<string, ReadonlyMap<PathPart, Place>>();
  readonly repeated: RepeatedKey[] = [];
  #next = 0;
  /** Where the last scalar or bracket stood: the best guess for an empty value. */
  #last: number;

  constructor(text: string, events: readonly YamlEvent[], base: number) {
    this.#text = text;
    this.#events = events;
    this.#base = base;
    this.#last = base;
  }

  documents(): readonly Place[] {
    const places: Place[] = [];
    while (this.#next < this.#events.length) {
      this.#next++;
      this.#anchors.clear();
      places.push(this.#value(undefined, undefined));
      this.#next++;
    }
    return places;
  }

  #value(part: PathPart | undefined, keyStart: number | undefined): Place {
    const event = this.#events[this.#next++];
    if (event === undefined || event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) return this.#place(part, -1, keyStart);
    const anchor = event.anchorStart < 0 ? undefined : this.#text.slice(event.anchorStart, event.anchorEnd);
    if (event.type === EVENT_ID.ALIAS) {
      const inside = anchor === undefined ? undefined : this.#anchors.get(anchor);
      return this.#place(part, event.anchorStart - 1, keyStart, inside);
    }
    const start = event.type === EVENT_ID.SCALAR ? scalarStart(event) : event.start;
    const place = this.#place(part, start, keyStart, event.type === EVENT_ID.SCALAR ? undefined : this.#children(event.type));
    if (anchor !== undefined) this.#anchors.set(anchor, place.children);
    return place;
  }

  /** `start` is an offset into the text, negative for none; `keyStart` one into the file, like all that places hold. */
  #place(part: PathPart | undefined, start: number, keyStart: number | undefined, children = NOTHING): Place {
    // Inner values have moved `#last` on by now, so an absent start can only be that of a scalar.
    const known = start < 0 ? (keyStart ?? this.#last) : start + this.#base;
    this.#last = Math.max(this.#last, known);
    return { part, start: known, keyStart: keyStart ?? known, children };
  }

  #children(type: typeof EVENT_ID.SEQUENCE | typeof EVENT_ID.MAPPING): ReadonlyMap<PathPart, Place> {
    const children = new Map<PathPart, Place>();
    while (this.#next < this.#events.length && this.#events[this.#next]?.type !== EVENT_ID.POP) {
      if (type === EVENT_ID.SEQUENCE) {
        children.set(children.size, this.#value(children.size, undefined));
        continue;
      }
      const key = this.#key();
      const earlier = children.get(key.text);
      if (earlier !== undefined && key.at >= 0) this.repeated.push({ first: earlier.keyStart, again: key.at });
      children.set(key.text, this.#value(key.text, key.start));
    }
    this.#next++;
    return children;
  }

  /** `at` is where its text begins, after a quote; negative for a key that is no text. */
  #key(): { readonly text: string; readonly start: number; readonly at: number } {
    const event = this.#events[this.#next];
    const { start } = this.#value(undefined, undefined);
    if (event?.type !== EVENT_ID.SCALAR) return { text: '', start, at: -1 };
    return { text: getScalarValue(this.#text, event), start, at: event.valueStart + this.#base };
  }
}

/** A quoted value begins at its quote. */
function scalarStart(event: Extract<YamlEvent, { type: typeof EVENT_ID.SCALAR }>): number {
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? event.valueStart - 1 : event.valueStart;
}

/** The place of the value at `path`, or of the nearest thing around it that is there. `found` is how many steps of the path exist. */
export function findPlace(root: Place, path: Path): { readonly place: Place; readonly found: number } {
  let place = root;
  let found = 0;
  for (const part of path) {
    const inner = place.children.get(part);
    if (inner === undefined) break;
    place = inner;
    found++;
  }
  return { place, found };
}

/** A path as people write it: `spec.ports[0].port`, `metadata.annotations["traefik.enable"]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}
