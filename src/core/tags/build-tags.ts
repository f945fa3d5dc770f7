import { problem } from '../../shared/problem.ts';
import { byBytes } from '../model/ids.ts';
import type { EntryPoint, TranslationPolicy } from '../model/translation-policy.ts';
import type { Tag, TagProblem } from './annotation-tags.ts';
import { annotationTags, listParts, parseTag, tagText } from './annotation-tags.ts';
import { freezesV1 } from './freezes-v1.ts';
import { nameForCluster } from './name-for-cluster.ts';
import { isEnableTag, isV1Tag, isV3Router, isV3Tag, parseGoBool, tagIdentity } from './tag-kinds.ts';
import { closedRouter, traefikName } from './traefik-names.ts';
import type { Translation, TranslationStep } from './translate-v1.ts';
import { translateV1 } from './translate-v1.ts';

/** What the tags of one Service are built from. */
export interface TagsInput {
  readonly annotations: Readonly<Record<string, string>>;
  /** The lines of `poolkeeper.dev/tags`, verbatim. */
  readonly extraTags: readonly string[];
  readonly namespace: string;
  readonly name: string;
  /** Which versions of Traefik read the catalog. `both`: the tags live side by side on each instance. */
  readonly dialect: 'v1' | 'v3' | 'both';
  /** Traefik 1 entry point → Traefik 3 entry point. */
  readonly entryPoints: Readonly<Record<string, EntryPoint>>;
  /** Goes into the names of routers and middlewares, where other clusters register the same Consul service. */
  readonly cluster?: string;
  /** Default: not strict, and nothing is known of the site. */
  readonly translation?: TranslationPolicy;
  /** The Consul service; default: the Service's name. */
  readonly service?: string;
  /** The Traefik 3 service of another Consul service, where it is known. */
  readonly traefikServiceOf?: (consulService: string) => string | undefined;
}

/** The tags, sorted and each once, what became of each Traefik 1 tag, and what was said about them; the problems have no `where`. */
export interface BuiltTags {
  readonly tags: readonly string[];
  readonly steps: readonly TranslationStep[];
  readonly problems: readonly TagProblem[];
}

/**
 * Builds the tags of every instance of one Service (design sections 4 and 8): what its annotations stand for, in the dialects
 * asked for; the translation of Traefik 1 tags, unless the spec has Traefik 3 routers of its own; and the lines of
 * `poolkeeper.dev/tags`. A tag that would break a Traefik, or that contradicts another one, is left out and told as an error.
 */
export function buildTags(input: TagsInput): BuiltTags {
  const title = `Service ${input.namespace}/${input.name}`;
  const lines = input.extraTags.map((line) => parseTag(line.trim())).filter(({ key }) => key !== '');
  const own = keepValid(annotationTags(input.annotations), title);
  const extra = keepValid(lines, title);
  const written = [...own.tags, ...extra.tags];
  const forV3 = input.dialect !== 'v1';
  const translated = forV3 ? translate(written, [...own.harmful, ...extra.harmful], input) : UNTRANSLATED;
  const kept = own.tags.filter((tag) => input.dialect !== 'v3' || !isV1Tag(tag));
  const merged = mergeTags([...kept, ...(forV3 ? constraintTags(written) : []), ...translated.tags, ...extra.tags], title);
  const tags = input.cluster === undefined ? merged.tags : nameForCluster(merged.tags, input.cluster);
  const problems = [...own.problems, ...extra.problems, ...translated.problems, ...merged.problems];
  return { tags, steps: translated.steps, problems };
}

interface ValidTags {
  readonly tags: readonly Tag[];
  /** What was left out; each is told of in `problems`. */
  readonly harmful: readonly Tag[];
  readonly problems: readonly TagProblem[];
}

/**
 * Leaves out what would do harm, and writes `traefik.enable` the one way that both versions read: Traefik 3 skips the whole
 * service over another word, and asks Consul for the literal `traefik.enable=true`.
 */
function keepValid(written: readonly Tag[], title: string): ValidTags {
  const problems: TagProblem[] = [];
  const harmful: Tag[] = [];
  const tags: Tag[] = [];
  for (const tag of written) {
    const harm = harmOf(tag);
    if (harm !== undefined) {
      const told = problem('TAG_INVALID', `${title}: the tag ${tag.key} ${harm.reason}`, { remedy: harm.remedy });
      problems.push({ ...told, tag: tag.key });
      harmful.push(tag);
    } else tags.push(isEnableTag(tag) ? { key: 'traefik.enable', value: String(parseGoBool(tag.value)) } : tag);
  }
  return { tags, harmful, problems };
}

function harmOf(tag: Tag): { readonly reason: string; readonly remedy: string } | undefined {
  if (isEnableTag(tag)) {
    return parseGoBool(tag.value) === undefined ? { reason: 'is not a boolean', remedy: 'Write true or false.' } : undefined;
  }
  if (tag.key.toLowerCase().startsWith('traefik.enable')) {
    return { reason: 'would make Traefik 3 skip the Service', remedy: 'Write traefik.enable.' };
  }
  if (/^traefik\./i.test(tag.key) && tag.key.split('.').some((part) => part.includes(']') && !part.includes('['))) {
    // Its decoder panics on that, and the provider takes no change of any Service until the tag is gone: tried on 3.6.12.
    return { reason: 'has a "]" without a "[", which would stop Traefik 3 from reading the whole catalog', remedy: 'Write name[0].' };
  }
  const reason = isV1Tag(tag) ? freezesV1(tag) : undefined;
  if (reason === undefined) return undefined;
  return { reason: `${reason}, which would stop Traefik 1 from reading the whole catalog`, remedy: FREEZE_REMEDY };
}

const FREEZE_REMEDY = 'Write \\" for a quote and \\\\ for a backslash, as in a TOML string; header names hold letters, digits, - and _.';

/** Traefik 3 compares plain tags with its constraints, where Traefik 1 takes those of `traefik.tags`. */
const constraintTags = (tags: readonly Tag[]): readonly Tag[] =>
  tags.filter(({ key }) => key.toLowerCase() === 'traefik.tags').flatMap(({ value }) => listParts(value ?? '').map(parseTag));

/** The Traefik 3 tags for what is written in those of Traefik 1; nothing for a Service that is switched off or has its own routers. */
function translate(written: readonly Tag[], harmful: readonly Tag[], input: TagsInput): Translation {
  const { namespace, name } = input;
  const switchedOff = written.some((tag) => isEnableTag(tag) && tag.value === 'false');
  if (switchedOff || written.some(isV3Router)) return UNTRANSLATED;
  // What was left out may have been a guard.
  const closed = [closedRouter(traefikName(namespace, name))];
  const options = [...written, ...harmful].filter((tag) => isEnableTag(tag) || isOption(tag));
  const onlyConstraints = options.every(({ key }) => key.toLowerCase() === 'traefik.tags');
  if (onlyConstraints) return harmful.length === 0 ? UNTRANSLATED : { ...UNTRANSLATED, tags: closed };
  const translated = translateV1({
    tags: options,
    namespace,
    name,
    service: input.service ?? name,
    attributes: written.map(tagText),
    entryPoints: input.entryPoints,
    policy: input.translation ?? { strict: false },
    ...(input.traefikServiceOf === undefined ? {} : { traefikServiceOf: input.traefikServiceOf }),
  });
  return harmful.length === 0 ? translated : { ...withoutHarmful(translated, harmful), tags: closed };
}

/**
 * What is told of the tags beside those that were left out, which are told of already: a rule among them is no missing rule. Notes on the
 * Service as a whole say how Traefik 3 would route to it, and it does not.
 */
function withoutHarmful({ steps, problems }: Translation, harmful: readonly Tag[]): Omit<Translation, 'tags'> {
  const keys = new Set<string | undefined>(harmful.map(({ key }) => key));
  const texts = new Set(harmful.map(tagText));
  const isKept = ({ tag, severity }: TagProblem): boolean => (tag === undefined ? severity !== 'note' : !keys.has(tag));
  return {
    steps: steps.map((step) => (texts.has(step.tag) ? { ...step, class: 'impossible', reason: 'is left out', becomes: [] } : step)),
    problems: problems.filter(isKept),
  };
}

const UNTRANSLATED: Translation = { tags: [], steps: [], problems: [] };

/** Keys with a slash belong to other programs: annotations of ingress controllers also begin with `traefik.`. */
const isOption = (tag: Tag): boolean => tag.key.startsWith('traefik.') && !isV3Tag(tag) && !tag.key.includes('/');

/** Sorts the tags and drops repetitions. Of two values for one key the first stays, and the conflict is told. */
function mergeTags(tags: readonly Tag[], title: string): Omit<BuiltTags, 'steps'> {
  const byIdentity = new Map<string, Tag>();
  const problems: TagProblem[] = [];
  for (const tag of tags) {
    const identity = tagIdentity(tag);
    const first = byIdentity.get(identity);
    if (first === undefined) byIdentity.set(identity, tag);
    else if (first.value !== tag.value) {
      problems.push({ ...problem('SPEC_TAG_CONFLICT', `${title}: the tag ${tag.key} is given two values`), tag: tag.key });
    }
  }
  return { tags: [...new Set([...byIdentity.values()].map(tagText))].sort(byBytes), problems };
}
