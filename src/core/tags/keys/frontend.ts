import { listParts } from '../annotation-tags.ts';
import { renderTemplate } from '../render-template.ts';
import { parseGoBool } from '../tag-kinds.ts';
import { unescapeToml } from '../toml-string.ts';
import { translateRule } from '../translate-rule.ts';
import { wholeNumber } from '../turn-value.ts';
import type { Told, TurnContext, Turned, V1Key } from '../v1-key.ts';
import { impossible, NOTHING, unread } from '../v1-key.ts';
import { entryPointOf } from './redirect.ts';

const RANK: readonly Told['class'][] = ['exact', 'rewritten', 'unknown', 'approximate', 'impossible'];

/** Which requests a frontend takes, where, and how they are passed on. */
export const FRONTEND_KEYS: readonly V1Key[] = [
  {
    key: 'frontend.rule',
    class: 'exact',
    to: 'R.rule, and middlewares; see the table of its functions',
    turn: (value, _, context) => (value === '' ? NOTHING : turnRule(value, context)),
  },
  {
    key: 'frontend.entryPoints',
    class: 'exact',
    to: 'R.entrypoints by the option traefik.entryPoints; a second router with R.tls=true for those with TLS',
    turn: (value, _, { site }) => {
      const names = listParts(value);
      const unmapped = names.filter((name) => entryPointOf(name, site) === undefined).map((name) => `"${name}"`);
      if (unmapped.length === 0) return {};
      const reason = `names the entry point ${unmapped.join(', ')}, which the configuration does not map`;
      const remedy = 'Map it by the option traefik.entryPoints.';
      if (unmapped.length === names.length) return impossible(reason, remedy);
      return { told: { class: 'approximate', reason: `${reason}; no route on it`, remedy } };
    },
  },
  {
    key: 'frontend.priority',
    class: 'exact',
    to: 'R.priority; without it the length of the Traefik 1 rule, since the rules of Traefik 3 are longer',
    turn: (value) => {
      const priority = wholeNumber(value);
      if (priority === undefined) return unread(value, 'a whole number');
      return priority === 0 ? NOTHING : { fields: { 'R.priority': String(priority) } };
    },
  },
  {
    key: 'frontend.passHostHeader',
    class: 'exact',
    to: 'S.loadbalancer.passhostheader',
    remark: 'where frontends differ in it, each gets a Traefik service of its own',
    turn: (value, to) => {
      const read = parseGoBool(value);
      return read === undefined ? unread(value, 'a boolean') : { fields: { [to]: String(read) } };
    },
  },
];

/** A rule as Traefik 1 takes it: rendered, without the dot that a default rule with an empty domain ends with, and unescaped. */
function turnRule(value: string, { options, frontend, site }: TurnContext): Turned {
  const serviceName = frontend === '' ? site.service : `${site.service}-${frontend}`;
  const rendered = renderTemplate(value, { serviceName, domain: site.domain, attributes: site.attributes });
  if (rendered.kind === 'failed') return notTranslated(rendered.reason);
  const rule = unescapeToml(rendered.text.replace(/\.$/, ''));
  if (rule === undefined) return notTranslated('its template yields a quote or backslash that stops Traefik 1');
  const translated = translateRule(rule);
  if (translated.kind === 'not-translated') return notTranslated(translated.reason);
  const priority = String(Buffer.byteLength(rule, 'utf8'));
  const fields = { 'R.rule': translated.rule, 'R.priority': priority, ...translated.fields };
  const told = worstOf(translated.told);
  if (told !== undefined) return { fields, told };
  const isRendered = rendered.text !== value && options.has('frontend.rule');
  return isRendered ? { fields, told: { class: 'rewritten', reason: `is filled in as "${rule}"` } } : { fields };
}

const notTranslated = (reason: string): Turned =>
  impossible(
    `is not translated: ${reason}`,
    'Correct the rule, or write the Traefik 3 tags for it by hand in the annotation poolkeeper.dev/tags.',
  );

/** All that is told of the clauses in one, as bad as the worst of them. */
function worstOf(told: readonly Told[]): Told | undefined {
  if (told.length === 0) return undefined;
  const worst = told.reduce((a, b) => (RANK.indexOf(b.class) > RANK.indexOf(a.class) ? b : a));
  return { class: worst.class, reason: [...new Set(told.map(({ reason }) => reason))].join('; it ') };
}
