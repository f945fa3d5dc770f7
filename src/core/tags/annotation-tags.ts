import type { Problem } from '../../shared/problem.ts';
import { byBytes } from '../model/ids.ts';

/** One Consul tag: `key=value`, or a plain one, whose `value` is absent. */
export interface Tag {
  readonly key: string;
  readonly value: string | undefined;
}

/** A problem of a Service's tags; `tag` is the key of the one that it is about, so that a caller who knows the file can point at it. */
export interface TagProblem extends Problem {
  readonly tag?: string;
}

/** The tag as Consul holds it. */
export const tagText = ({ key, value }: Tag): string => (value === undefined ? key : `${key}=${value}`);

/** A tag from its text: split at the first `=`, as Traefik does. */
export function parseTag(text: string): Tag {
  const at = text.indexOf('=');
  return at < 0 ? { key: text, value: undefined } : { key: text.slice(0, at), value: text.slice(at + 1) };
}

/**
 * The tags that annotations stand for, by the ancestor's rules: a key whose first dot-part is `traefik` gives `key=value`; one
 * whose first dot-part is `tags` gives each part of its comma list as a plain tag; every other annotation gives nothing. Their
 * order depends on the keys, not on the order of the annotations.
 */
export function annotationTags(annotations: Readonly<Record<string, string>>): readonly Tag[] {
  return Object.entries(annotations)
    .sort(([a], [b]) => byBytes(a, b))
    .flatMap(([key, value]): readonly Tag[] => {
      const [first] = key.split('.', 1);
      if (first === 'traefik') return [{ key, value }];
      return first === 'tags' ? listParts(value).map(parseTag) : [];
    });
}

/** The parts of a comma list, trimmed, without empty ones. */
export const listParts = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
