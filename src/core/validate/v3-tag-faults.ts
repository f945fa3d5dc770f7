import { labelFault } from '../routes/label-fault.ts';
import { parseRule } from '../routes/parse-rule.ts';
import { nearest } from '../spec/did-you-mean.ts';
import type { Finding } from '../spec/finding.ts';
import type { Tag } from '../tags/annotation-tags.ts';
import { isV3Tag } from '../tags/tag-kinds.ts';

/** A finding of which nobody has said yet where it stands. */
export type Unplaced = Omit<Finding, 'path' | 'at' | 'inside'>;

/** A finding of the tag with the key `tag`. */
export type TagFinding = Unplaced & { readonly tag: string };

/** Why Traefik 3 cannot read some of these tags, or the rules in them: every fault, by the order of the tags. */
export const v3TagFaults = (written: readonly Tag[]): readonly TagFinding[] =>
  written.filter(isV3Tag).flatMap((tag) => faultOf(tag, written));

function faultOf({ key, value = '' }: Tag, all: readonly Tag[]): readonly TagFinding[] {
  const fault = labelFault(key, value);
  if (fault === undefined) return ruleFault(key, value, all);
  const { field = '', known = [] } = fault.unknown ?? {};
  const meant = nearest(field, known);
  const remedy = meant !== undefined ? `Did you mean "${meant}"?` : known.length > 0 ? `Known there are: ${known.join(', ')}.` : undefined;
  const message = `the tag ${key} ${fault.reason}; Traefik 3 leaves out the whole Consul service`;
  return [{ code: 'TAG_INVALID', message, tag: key, ...(remedy === undefined ? {} : { remedy }) }];
}

function ruleFault(key: string, value: string, all: readonly Tag[]): readonly TagFinding[] {
  const [, router] = /^traefik\.http\.routers\.([^.]+)\.rule$/i.exec(key) ?? [];
  // The syntax of Traefik 2 is another one.
  const isOfV2 = all.some((tag) => tag.key.toLowerCase() === `traefik.http.routers.${router}.rulesyntax`.toLowerCase());
  if (router === undefined || isOfV2) return [];
  const parsed = parseRule(value);
  if (parsed.ok) return [];
  const { column, message } = parsed.error;
  return [
    { code: 'TAG_INVALID', message: `the rule of the router ${router} cannot be read, at its character ${column}: ${message}`, tag: key },
  ];
}
