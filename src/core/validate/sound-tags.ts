import { annotationTags, parseTag } from '../tags/annotation-tags.ts';
import { type BuiltTags, buildTags, type TagsInput } from '../tags/build-tags.ts';
import { NEVER } from '../tags/traefik-names.ts';

const V1_RULE = /^traefik\.frontends?\.(?:.+\.)?rule$/i;
const ANY_RULE = 'PathPrefix:/';
const V3_RULE = /^traefik\.http\.routers\.[^.]+\.rule$/i;

/** What becomes of each tag of Traefik 1; where a rule cannot be read, what would become of the others beside one that can. */
export function foreseenSteps(input: TagsInput, built: BuiltTags): BuiltTags['steps'] {
  const rules = new Set(built.problems.flatMap(({ tag = '', severity }) => (severity === 'error' && V1_RULE.test(tag) ? tag : [])));
  if (rules.size === 0) return built.steps;
  const annotations = Object.fromEntries(Object.entries(input.annotations).map(([key, value]) => [key, rules.has(key) ? ANY_RULE : value]));
  const extraTags = input.extraTags.map((line) => (rules.has(parseTag(line).key) ? `${parseTag(line).key}=${ANY_RULE}` : line));
  return buildTags({ ...input, annotations, extraTags }).steps;
}

/**
 * The tags that a Service would have without those of some keys, which are wrong and told of: so that what else is wrong with its routes
 * can be foreseen. In place of a rule stands one that takes nothing. Undefined where nothing is left to foresee.
 */
export function soundTags(input: TagsInput, built: BuiltTags, faulty: ReadonlySet<string>): readonly string[] | undefined {
  const isClear = !built.problems.some(({ severity }) => severity === 'error');
  if (isClear && faulty.size === 0) return built.tags;
  if ([...faulty].some((key) => V1_RULE.test(key))) return undefined;
  const rest = (key: string): boolean => !faulty.has(key);
  const annotations = Object.fromEntries(
    Object.entries(input.annotations).filter(([key, value]) => rest(key) && annotationTags({ [key]: value }).every((tag) => rest(tag.key))),
  );
  const lists = input.extraTags.filter((line) => rest(parseTag(line).key));
  const closed = [...faulty].filter((key) => V3_RULE.test(key)).map((key) => `${key}=${NEVER}`);
  const repaired = buildTags({ ...input, annotations, extraTags: [...lists, ...closed] });
  return repaired.problems.some(({ severity }) => severity === 'error') ? undefined : repaired.tags;
}
