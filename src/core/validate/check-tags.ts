import type { Problem } from '../../shared/problem.ts';
import { PROBLEMS } from '../../shared/problem.ts';
import type { Policy } from '../model/policy.ts';
import { readConstraint } from '../routes/match-constraint.ts';
import { nearest, remedyFor } from '../spec/did-you-mean.ts';
import type { Finding } from '../spec/finding.ts';
import { itemsAt } from '../spec/pod-specs.ts';
import { readSettings } from '../spec/read-settings.ts';
import { annotationTags, listParts, parseTag, type Tag, type TagProblem } from '../tags/annotation-tags.ts';
import { buildTags, type TagsInput } from '../tags/build-tags.ts';
import { parseV1Rule } from '../tags/parse-v1-rule.ts';
import { RULE_FUNCTIONS } from '../tags/rule-functions.ts';
import { isEnableTag, isV3Tag } from '../tags/tag-kinds.ts';
import { traefikName } from '../tags/traefik-names.ts';
import { readOptions } from '../tags/translate-options.ts';
import { findKey, V1_KEYS } from '../tags/v1-keys.ts';
import { consulServiceOf, makesPool } from './check-tree.ts';
import { placeTag } from './place-tag.ts';
import { isService, type PlacedObject, specOf } from './placed-object.ts';
import { foreseenSteps, soundTags } from './sound-tags.ts';
import { sourcedTagFaults, sourcedTags, type TagFinding, type Unplaced } from './v3-tag-faults.ts';

/** A Service whose backends are registered, and what is wrong with its tags. */
export interface TaggedService {
  readonly service: PlacedObject;
  readonly problems: readonly Problem[];
  /** As they stand in the file. */
  readonly written: readonly Tag[];
  /** The tags of its instances without what is wrong; undefined where nobody can tell what it would be routed by. */
  readonly tags: readonly string[] | undefined;
  /** The key of the tag that is written for one of Traefik 3. */
  readonly writtenFor: (key: string) => string | undefined;
  /** The keys of Traefik 3's tags that are told of as faulty, or what became of such ones. */
  readonly faulty: readonly string[];
}

/** The tags of every Service that makes a pool, or would if its type were spelt right, and what is wrong with each of them. */
export function checkTags(objects: readonly PlacedObject[], policy: Policy): readonly TaggedService[] {
  const services = objects.filter(isToMakePool);
  const known = new Map(services.map((service) => [consulServiceOf(service), traefikNameOf(service)]));
  return services.map((service) => checkService(service, policy, (name) => known.get(name)));
}

/** Types of Services that are registered nowhere. */
const OTHER_TYPES: readonly unknown[] = ['ClusterIP', 'LoadBalancer', 'ExternalName'];

function isToMakePool(service: PlacedObject): boolean {
  if (makesPool(service)) return true;
  if (!isService(service) || readSettings(service.annotations).settings.register === false) return false;
  const { type, ...fields } = specOf(service);
  return type === undefined ? Object.keys(fields).some((field) => nearest(field, ['type'])) : !OTHER_TYPES.includes(type);
}

const traefikNameOf = ({ namespace, name }: PlacedObject): string => traefikName(namespace, name);

function checkService(service: PlacedObject, policy: Policy, traefikServiceOf: (name: string) => string | undefined): TaggedService {
  const { annotations, namespace, name } = service;
  const { dialect, entryPoints, translation, routes } = policy;
  const input: TagsInput = {
    annotations,
    extraTags: readSettings(annotations).settings.tags ?? [],
    namespace,
    name,
    service: consulServiceOf(service),
    // What Traefik 1 does not read is known by its translation only.
    dialect: dialect === 'v1' ? 'both' : dialect,
    entryPoints,
    translation,
    traefikServiceOf,
  };
  const built = buildTags(input);
  const written = [...annotationTags(annotations), ...input.extraTags.map(parseTag)];
  const sourced = sourcedTags(written, foreseenSteps(input, built));
  const site = { entryPoints, nodePorts: nodePortsOf(service), ...(routes === undefined ? {} : { routes }) };
  const faults = dialect === 'v1' ? [] : sourcedTagFaults(sourced, site);
  const told = dialect === 'v1' ? built.problems.filter(({ code }) => !code.startsWith('TAG_') || OF_V1.has(code)) : built.problems;
  const untold = written.filter(({ key }) => !told.some(({ tag }) => tag === key));
  const tagged: readonly (Unplaced & { readonly tag?: string | undefined })[] = [
    ...told.map((one) => ({ ...findingOf(one, written.find(({ key }) => key === one.tag)?.value), tag: one.tag })),
    ...faults,
    ...(dialect === 'v3' ? [] : untold.flatMap(v1RuleFault)),
    ...unknownTags(written, built.problems),
  ];
  const errors = tagged.filter(({ code, severity }) => (severity ?? PROBLEMS[code].severity) === 'error');
  const keys = new Set(errors.flatMap(({ tag }) => tag ?? []));
  return {
    service,
    written,
    problems: [
      ...tagged.map(({ tag, ...finding }) => service.problemOf(placeTag(finding, tag, service))),
      ...missingTag(written, built.tags, policy).map((finding) => service.problemOf(finding)),
    ],
    tags: service.isSound ? soundTags(input, built, keys) : undefined,
    writtenFor: (key) => sourced.find(({ tag }) => tag.key.toLowerCase() === key.toLowerCase())?.written,
    faulty: sourced.filter((one) => keys.has(one.written)).map(({ tag }) => tag.key),
  };
}

const nodePortsOf = ({ written }: PlacedObject): readonly number[] =>
  itemsAt(written, ['spec', 'ports']).flatMap(({ item }) => (typeof item['nodePort'] === 'number' ? [item['nodePort']] : []));

/** What is wrong with tags also where only Traefik 1 reads them. */
const OF_V1: ReadonlySet<string> = new Set(['TAG_UNKNOWN', 'TAG_INVALID']);

const findingOf = (told: TagProblem, value: string | undefined): Unplaced => {
  const { code, message, remedy, severity, tag } = told;
  const isOfKey = tag !== undefined && isWrongKey(tag);
  return {
    code,
    message,
    remedy,
    severity,
    ...(isOfKey ? { at: 'key' as const } : skipTo(told, value)),
    ...(code === 'TAG_UNKNOWN' || code === 'TAG_NOT_TRANSLATED' ? knownSpelling(tag) : {}),
  };
};

/** Whether it is the key of a tag that nobody reads, or must not read. */
function isWrongKey(key: string): boolean {
  const tag = parseTag(key);
  if (isEnableTag(tag)) return false;
  if (isV3Tag(tag)) return key.includes(']');
  return readOptions([tag]).every(({ name }) => findKey(name) === undefined);
}

const V1_RULE = /^traefik\.frontends?\.(?:.+\.)?rule$/i;

/** What is wrong with a rule is quoted from it. */
function skipTo({ tag, message }: TagProblem, value: string | undefined): { readonly skip?: number } {
  if (tag === undefined || value === undefined || !V1_RULE.test(tag)) return {};
  const quoted = [...message.matchAll(/"([^"]+)"/g)].map(([, text = '']) => value.indexOf(text)).find((at) => at >= 0);
  return quoted === undefined ? {} : { skip: quoted };
}

/** Tags that no version of Traefik reads, where no translation tells of them. */
function unknownTags(written: readonly Tag[], told: readonly TagProblem[]): readonly TagFinding[] {
  const options = written.filter((tag) => isV1Option(tag) && !told.some(({ tag: key }) => key === tag.key));
  return readOptions(options)
    .filter(({ name }) => findKey(name) === undefined)
    .map(({ key }) => ({
      code: 'TAG_UNKNOWN',
      message: `no version of Traefik reads the tag ${key}`,
      tag: key,
      at: 'key',
      ...knownSpelling(key),
    }));
}

/** Keys with a slash belong to other programs: annotations of ingress controllers also begin with `traefik.`. */
const isV1Option = (tag: Tag): boolean => tag.key.startsWith('traefik.') && !isV3Tag(tag) && !isEnableTag(tag) && !tag.key.includes('/');

const V1_NAMES: readonly string[] = Object.values(V1_KEYS).flatMap((rows) => rows.map(({ key }) => `traefik.${key}`));

function knownSpelling(key: string | undefined): { readonly remedy?: string } {
  const [option] = key === undefined ? [] : readOptions([parseTag(key)]);
  if (key === undefined || option === undefined || findKey(option.name) !== undefined) return {};
  const meant = nearest(key, V1_NAMES);
  return meant === undefined ? {} : { remedy: `Did you mean "${meant}"?` };
}

/** The same for a rule of Traefik 1, where no translation tells of it. */
function v1RuleFault({ key, value = '' }: Tag): readonly TagFinding[] {
  if (!V1_RULE.test(key) || value.includes('{{')) return [];
  const parsed = parseV1Rule(value);
  const names = parsed.kind === 'rule' ? parsed.clauses.map(({ name }) => name) : [];
  const unknown = names.find((name) => !RULE_FUNCTIONS.some((row) => row.name === name));
  const reason = parsed.kind === 'invalid' ? parsed.reason : unknown === undefined ? undefined : `Traefik 1 has no function "${unknown}"`;
  if (reason === undefined) return [];
  const known = RULE_FUNCTIONS.map(({ name }) => name);
  const remedy = unknown === undefined ? {} : { remedy: remedyFor(unknown, known) };
  const at = unknown === undefined ? -1 : value.indexOf(unknown);
  return [{ code: 'TAG_INVALID', message: `the tag ${key} is no rule: ${reason}`, tag: key, ...remedy, ...(at < 0 ? {} : { skip: at }) }];
}

/** Traefik keeps out, without a word, what is not enabled or does not fit its constraints. */
function missingTag(written: readonly Tag[], tags: readonly string[], { dialect, routes = {} }: Policy): readonly Finding[] {
  const isOff = written.some((tag) => isEnableTag(tag) && tag.value === 'false');
  // Without any tag of Traefik's it is most likely none of Traefik's services.
  if (isOff || !written.some(({ key }) => /^traefik\./i.test(key))) return [];
  const seen =
    dialect === 'v1' ? written.filter(({ key }) => /^traefik\.tags$/i.test(key)).flatMap(({ value = '' }) => listParts(value)) : tags;
  const finding = { code: 'TAG_REQUIRED', path: ['metadata', 'annotations'], at: 'key' } as const;
  const isLetIn = readConstraint(routes.constraints ?? '');
  if (!isLetIn(seen)) {
    const message = `its tags do not fit \`traefik.catalog.constraints\`, ${routes.constraints}: Traefik will not see this Service`;
    return [{ ...finding, message, remedy: 'Add the tag, in the annotation traefik.tags or in tags.' }];
  }
  if (routes.exposedByDefault !== false || written.some(isEnableTag)) return [];
  const message = 'there is no tag traefik.enable, and `traefik.catalog.exposedByDefault` is false: Traefik will not see this Service';
  return [{ ...finding, message, remedy: 'Write traefik.enable: "true".' }];
}
