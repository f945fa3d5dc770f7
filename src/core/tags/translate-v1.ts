import { problem } from '../../shared/problem.ts';
import type { EntryPoint, TranslationPolicy } from '../model/translation-policy.ts';
import type { Tag, TagProblem } from './annotation-tags.ts';
import { listParts, tagText } from './annotation-tags.ts';
import { type BuiltFrontend, buildFrontend } from './build-routers.ts';
import { closedRouter, frontendName, traefikName } from './traefik-names.ts';
import { frontendNames, type Option, optionValues, readOptions, type TurnedOption, turnOptions } from './translate-options.ts';
import type { Fields, Told, TranslationSite } from './v1-key.ts';

/** What is translated: the Traefik 1 tags of one Service, as written. */
export interface V1Input {
  readonly tags: readonly Tag[];
  readonly namespace: string;
  readonly name: string;
  /** The Consul service. */
  readonly service: string;
  /** All tags of an instance, for templates. */
  readonly attributes: readonly string[];
  /** Traefik 1 entry point → Traefik 3 entry point. */
  readonly entryPoints: Readonly<Record<string, EntryPoint>>;
  readonly policy: TranslationPolicy;
  /** The Traefik 3 service of another Consul service, where it is known. */
  readonly traefikServiceOf?: (consulService: string) => string | undefined;
}

/** What became of one Traefik 1 tag. */
export interface TranslationStep {
  /** The tag as written. */
  readonly tag: string;
  readonly class: Told['class'];
  /** Why it is not exact, as the end of a sentence that begins with the tag; empty when there is nothing to tell. */
  readonly reason: string;
  /** The Traefik 3 tags that it became, or became a part of. */
  readonly becomes: readonly string[];
}

/** Traefik 3 tags, what became of each Traefik 1 tag, and what there is to tell of it. */
export interface Translation {
  readonly tags: readonly Tag[];
  readonly steps: readonly TranslationStep[];
  readonly problems: readonly TagProblem[];
}

const RULE = 'frontend.rule';

/**
 * Translates Traefik 1 tags (reference: traefik.md 3) by the table `V1_KEYS`. All or nothing: with an error among the problems
 * Traefik 3 gets a router that matches no request instead, for the reader that does not heed the error. It must get one, because
 * for a Consul service without any router Traefik makes one up from its `defaultRule`, open to everyone who knows the name.
 *
 * A Service without a rule of its own has the rule of the policy; without that, nothing is said about its routers: both versions then
 * use the default rule of their own static configuration. This is told as a note.
 */
export function translateV1(input: V1Input): Translation {
  const base = traefikName(input.namespace, input.name);
  const options = withDefaultRules(readOptions(input.tags), input.policy.frontEndRule);
  const site = siteOf(input, options, base);
  const turned = ['', ...frontendNames(options)].map((name) => ({ name, options: turnOptions(options, name, site) }));
  const plain = turned[0]?.options ?? [];
  const service = serviceFields(plain);
  const backend = fieldsOf(plain.filter(({ option }) => !option.name.startsWith('frontend.')));
  const frontends = turned.map((frontend) => {
    const fields = fieldsOf(frontend.options.filter(({ option }) => option.name.startsWith('frontend.')));
    const passHost = hostHeaderOf(fields) === hostHeaderOf(service) ? undefined : hostHeaderOf(fields);
    const ownService = passHost === undefined ? base : frontendName(base, frontend.name);
    const values = optionValues(options, frontend.name);
    const missing = values.get(RULE) ? undefined : missingRule(frontend.name, { ...fields, ...backend }, values, turned.length > 1);
    const hasRule = fields['R.rule'] !== undefined;
    const built = hasRule
      ? buildFrontend({ name: frontend.name, options: values, fields, backend, service: ownService }, base, site)
      : NOT_BUILT;
    const ownTags = passHost === undefined || !hasRule ? [] : serviceTags(ownService, { ...service, [PASS_HOST]: passHost }, true);
    const noEntryPoint = hasRule && !built.hasRouter && !values.get('frontend.entryPoints');
    const told = missing ?? (noEntryPoint ? NO_ENTRY_POINT : undefined);
    return { ...frontend, built, ownTags, told };
  });
  const hasRouter = frontends.some(({ built }) => built.hasRouter);
  const plainService = serviceTags(base, service, hasRouter);
  const steps = frontends.flatMap(({ options: own, built, ownTags }) =>
    own.map((one) => stepOf(one, built, [...plainService, ...ownTags])),
  );
  const problems = [
    ...turned
      .flatMap((frontend) => frontend.options)
      .map(({ option, told }) => withTag(option.key, problemOf(`the tag ${option.key}`, told, input))),
    ...frontends.map(({ name, told }) => problemOf(name === '' ? 'its frontend' : `its frontend "${name}"`, told, input)),
  ].filter((value) => value !== undefined);
  const isClosed = problems.some(({ severity }) => severity === 'error');
  const open = [...frontends.flatMap(({ built, ownTags }) => [...built.tags, ...ownTags]), ...plainService];
  return { tags: isClosed ? [closedRouter(base)] : open, steps, problems };
}

const PASS_HOST = 'S.loadbalancer.passhostheader';
const SCHEME = 'S.loadbalancer.server.scheme';
const NOT_BUILT: BuiltFrontend = { tags: [], tagsOf: () => [], hasRouter: false };
const NO_ENTRY_POINT: Told = {
  class: 'impossible',
  reason: 'names no entry point, and the configuration does not map "http", which Traefik 1 takes then',
  remedy: 'Map "http" by the option traefik.entryPoints, or write traefik.frontend.entryPoints.',
};
const RULE_REMEDY = "Write a rule, or tell Traefik 1's default rule by the option traefik.frontEndRule.";

function siteOf(input: V1Input, options: readonly Option[], base: string): TranslationSite {
  const { policy, entryPoints, service, attributes, namespace, traefikServiceOf } = input;
  return {
    ...policy,
    entryPoints,
    service,
    attributes,
    severalFrontends: frontendNames(options).length > 0,
    traefikService: (consulService) => {
      if (consulService === service) return { name: base, supposed: false };
      const known = traefikServiceOf?.(consulService);
      return { name: known ?? traefikName(namespace, consulService), supposed: known === undefined };
    },
  };
}

/** Gives each frontend without a rule the default one, where the policy tells it. Traefik 1 always has the plain frontend. */
function withDefaultRules(options: readonly Option[], rule: string | undefined): readonly Option[] {
  if (rule === undefined) return options;
  const missing = ['', ...frontendNames(options)].filter((frontend) => !optionValues(options, frontend).get(RULE));
  return [
    ...options,
    ...missing.map((frontend): Option => ({ key: 'traefik.frontEndRule', written: rule, frontend, name: RULE, value: rule })),
  ];
}

const fieldsOf = (options: readonly TurnedOption[]): Fields => Object.assign({}, ...options.map(({ fields }) => fields)) as Fields;
const serviceFields = (options: readonly TurnedOption[]): Fields =>
  Object.fromEntries(Object.entries(fieldsOf(options)).filter(([field]) => field.startsWith('S.')));
const hostHeaderOf = (fields: Fields): string => fields[PASS_HOST] ?? 'true';

/** Tags of a Traefik service. The scheme is always written when a router names it, so that it exists. */
function serviceTags(name: string, fields: Fields, isNamed: boolean): readonly Tag[] {
  const all = isNamed ? { [SCHEME]: 'http', ...fields } : fields;
  return Object.entries(all).map(([field, value]) => ({ key: `traefik.http.services.${name}.${field.slice(2)}`, value }));
}

/** What is told of a frontend without a rule. A middleware needs a router to stand on, and only a rule makes one of ours. */
function missingRule(name: string, fields: Fields, values: ReadonlyMap<string, string>, hasOthers: boolean): Told {
  const needsRouter = values.has('frontend.entryPoints') || Object.keys(fields).some((field) => /^[MR]/.test(field));
  if (name !== '' || needsRouter) return { class: 'impossible', reason: 'has no rule, and settings that need one', remedy: RULE_REMEDY };
  if (hasOthers)
    return {
      class: 'approximate',
      reason: 'has no rule; Traefik 1 gives it its default rule, Traefik 3 has the others only',
      remedy: RULE_REMEDY,
    };
  return {
    class: 'rewritten',
    reason: 'has no rule, no tag traefik.frontend.rule; Traefik 3 routes to it by its own defaultRule',
    remedy: RULE_REMEDY,
  };
}

function stepOf({ option, told, fields }: TurnedOption, built: BuiltFrontend, services: readonly Tag[]): TranslationStep {
  const wanted = [...Object.keys(fields), ...(option.name === 'frontend.entryPoints' ? ['R.entrypoints', 'R.tls'] : [])];
  const tags = wanted.flatMap((field) =>
    field.startsWith('S.') ? services.filter(({ key }) => key.endsWith(field.slice(1))) : built.tagsOf(field),
  );
  const { key, written } = option;
  const becomes = [...plainTags(option), ...new Set(tags.map(tagText))];
  return { tag: `${key}=${written}`, class: told.class, reason: told.reason, becomes };
}

/** The tags that are no settings of Traefik 3: those that it filters services by. */
function plainTags({ name, value }: Option): readonly string[] {
  if (name === 'enable') return [`traefik.enable=${value}`];
  return name === 'tags' ? listParts(value) : [];
}

const withTag = (tag: string, value: TagProblem | undefined): TagProblem | undefined =>
  value === undefined ? undefined : { ...value, tag };

function problemOf(what: string, told: Told | undefined, { namespace, name, policy }: V1Input): TagProblem | undefined {
  if (told === undefined || told.class === 'exact') return undefined;
  const more = told.remedy === undefined ? {} : { remedy: told.remedy };
  const message = `Service ${namespace}/${name}: ${what} ${told.reason}`;
  if (told.class === 'rewritten') return problem('TAG_REWRITTEN', message, more);
  if (told.class === 'unknown') return problem('TAG_UNKNOWN', message, more);
  if (told.class === 'approximate')
    return problem('TAG_APPROXIMATED', message, { ...more, ...(policy.strict ? { severity: 'error' } : {}) });
  return problem('TAG_NOT_TRANSLATED', `${message}; Traefik 3 gets no route to this Service`, more);
}
