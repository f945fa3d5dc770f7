import type { Severity } from '../../shared/problem.ts';
import { labelFault } from '../routes/label-fault.ts';
import { nearest } from '../spec/did-you-mean.ts';
import type { Finding } from '../spec/finding.ts';
import { parseTag, type Tag } from '../tags/annotation-tags.ts';
import { isV3Tag } from '../tags/tag-kinds.ts';
import type { TranslationStep } from '../tags/translate-v1.ts';
import { type TagSite, valueFaults } from './value-faults.ts';

/** A finding of which nobody has said yet where it stands. */
export type Unplaced = Omit<Finding, 'path' | 'inside'>;

/** A finding of the tag with the key `tag`. */
export type TagFinding = Unplaced & { readonly tag: string };

/** A tag of Traefik 3, with the tag that is written for it: itself, or one of Traefik 1. */
export interface SourcedTag {
  readonly tag: Tag;
  readonly written: string;
}

/** The tags that are Traefik 3's as they are written, and those that others become. */
export function sourcedTags(written: readonly Tag[], steps: readonly TranslationStep[]): readonly SourcedTag[] {
  const own = written.filter(isV3Tag).map((tag): SourcedTag => ({ tag, written: tag.key }));
  const keys = new Set(written.map(({ key }) => key));
  const becoming = new Map<string, SourcedTag>();
  for (const step of steps) {
    const { key } = parseTag(step.tag);
    // The rule of the configuration stands in no file.
    if (!keys.has(key)) continue;
    for (const text of step.becomes) if (!becoming.has(text)) becoming.set(text, { tag: parseTag(text), written: key });
  }
  return [...own, ...[...becoming.values()].filter(({ tag }) => isV3Tag(tag))];
}

/** Why Traefik 3 cannot read some of these tags, or the rules in them: every fault, by the order of the tags. */
export const v3TagFaults = (written: readonly Tag[]): readonly TagFinding[] =>
  sourcedTagFaults(sourcedTags(written, []), NOTHING_KNOWN).filter(({ severity = 'error' }) => severity === 'error');

const NOTHING_KNOWN: TagSite = { entryPoints: {}, nodePorts: [] };

/** The same with what Traefik 3 reads and nobody can mean. What several tags became in one way is told of the first. */
export function sourcedTagFaults(tags: readonly SourcedTag[], site: TagSite): readonly TagFinding[] {
  const ofV2 = new Set(tags.flatMap(({ tag }) => /^(.*)\.rulesyntax$/i.exec(tag.key)?.[1]?.toLowerCase() ?? []));
  const told = new Map<string, TagFinding>();
  for (const sourced of tags) {
    const { tag } = sourced;
    const isOfV2 = ofV2.has(tag.key.toLowerCase().replace(/\.rule$/, ''));
    for (const finding of labelFinding(sourced) ?? valueFindings(sourced, { site, isOfV2 })) {
      const key = JSON.stringify([finding.tag, finding.message]);
      if (!told.has(key)) told.set(key, finding);
    }
  }
  return [...told.values()];
}

/** What is wrong with the key, or the type of the value. */
function labelFinding({ tag: { key, value = '' }, written }: SourcedTag): readonly TagFinding[] | undefined {
  // What others become is of the right form.
  if (key !== written) return undefined;
  const fault = labelFault(key, value);
  if (fault === undefined) return undefined;
  const { field = '', known = [] } = fault.unknown ?? {};
  const meant = nearest(field, known);
  const unknown = meant !== undefined ? `Did you mean "${meant}"?` : known.length > 0 ? `Known there are: ${known.join(', ')}.` : undefined;
  const remedy = unknown ?? typeRemedy(fault.reason);
  const message = `the tag ${written} ${fault.reason}; Traefik 3 leaves out the whole Consul service`;
  const isOfValue = / is no (?:int|bool|duration)$/.test(fault.reason);
  return [
    {
      code: 'TAG_INVALID',
      message,
      tag: written,
      ...(remedy === undefined ? {} : { remedy }),
      ...(isOfValue ? {} : { at: 'key' as const }),
    },
  ];
}

const TYPE_REMEDIES: Readonly<Record<string, string>> = {
  int: 'Write a whole number.',
  bool: 'Write true or false.',
  duration: 'Write a number of seconds, or a duration such as 1m30s.',
};

const typeRemedy = (reason: string): string | undefined => TYPE_REMEDIES[/ is no (\w+)$/.exec(reason)?.[1] ?? ''];

function valueFindings({ tag, written }: SourcedTag, context: { site: TagSite; isOfV2: boolean }): readonly TagFinding[] {
  const { key, value = '' } = tag;
  const isOwn = key === written;
  const [, router] = /^traefik\.http\.routers\.([^.]+)\.rule$/i.exec(key) ?? [];
  const subject = isOwn ? `the tag ${key}` : `what the tag ${written} becomes for Traefik 3`;
  return valueFaults(key, value, context).map(({ reason, remedy, severity = 'error', offset }): TagFinding => {
    const isUnread = isOwn && router !== undefined && reason.startsWith('cannot be read');
    const shown = isOwn || !reason.startsWith('cannot be read') ? '' : `, ${value},`;
    const message = `${isUnread ? `the rule of the router ${router}` : subject}${shown} ${reason}`;
    return { code: 'TAG_INVALID', message, remedy, tag: written, ...severityOf(severity), ...(isOwn ? offsetOf(offset) : {}) };
  });
}

const severityOf = (severity: Severity): { readonly severity?: Severity } => (severity === 'error' ? {} : { severity });
const offsetOf = (skip: number | undefined): { readonly skip?: number } => (skip === undefined ? {} : { skip });
