import { parseGoBool } from '../tag-kinds.ts';
import type { TranslationSite, TurnContext, Turned, V1Key } from '../v1-key.ts';
import { idle, impossible, NOTHING, unread } from '../v1-key.ts';

const REDIRECT = 'frontend.redirect';
const MODIFIES_PATH = /(?:Strip|AddPrefix|ReplacePath)/;

const permanent = ({ options }: TurnContext): string => String(parseGoBool(options.get(`${REDIRECT}.permanent`)) ?? false);
const hasRegex = ({ options }: TurnContext): boolean =>
  (options.get(`${REDIRECT}.regex`) ?? '') !== '' && (options.get(`${REDIRECT}.replacement`) ?? '') !== '';
const hasEntryPoint = ({ options }: TurnContext): boolean => (options.get(`${REDIRECT}.entryPoint`) ?? '') !== '';

/** Redirections that a frontend asks for. Those to an entry point stand on the routers of the other ones only. */
export const REDIRECT_KEYS: readonly V1Key[] = [
  {
    key: `${REDIRECT}.entryPoint`,
    class: 'rewritten',
    to: 'M.redirectscheme.scheme',
    remark: 'becomes a redirection on the routers of the other entry points, to the scheme and port that the configuration maps',
    turn: (value, _, context) => (value === '' ? NOTHING : toEntryPoint(value, context)),
  },
  {
    key: `${REDIRECT}.regex`,
    class: 'exact',
    to: 'M.redirectregex.regex',
    turn: (value, to, context) => {
      if (hasEntryPoint(context)) return idle(`beside traefik.${REDIRECT}.entryPoint`);
      if (!hasRegex(context)) return idle(`without both traefik.${REDIRECT}.regex and traefik.${REDIRECT}.replacement`);
      const fields = { [to]: value, 'M.redirectregex.permanent': permanent(context) };
      if (!MODIFIES_PATH.test(context.options.get('frontend.rule') ?? '')) return { fields };
      const reason = 'sees the path of the request; Traefik 1 matches the one that the rule has changed';
      return { fields, told: { class: 'approximate', reason } };
    },
  },
  {
    key: `${REDIRECT}.replacement`,
    class: 'exact',
    to: 'M.redirectregex.replacement',
    turn: (value, to, context) => {
      if (hasEntryPoint(context)) return idle(`beside traefik.${REDIRECT}.entryPoint`);
      if (!hasRegex(context)) return idle(`without both traefik.${REDIRECT}.regex and traefik.${REDIRECT}.replacement`);
      if (!value.includes('{{')) return { fields: { [to]: value } };
      return impossible(
        'is a Go template, which Traefik 3 does not fill in',
        'Write a replacement with groups of the expression, such as $1, or let the application redirect.',
      );
    },
  },
  {
    key: `${REDIRECT}.permanent`,
    class: 'exact',
    to: 'M.redirectscheme.permanent or M.redirectregex.permanent',
    turn: (value, _, context) => {
      if (parseGoBool(value) === undefined) return unread(value, 'a boolean');
      if (!hasEntryPoint(context) && !hasRegex(context)) return idle('without a redirection');
      return { fields: { [hasEntryPoint(context) ? 'M.redirectscheme.permanent' : 'M.redirectregex.permanent']: permanent(context) } };
    },
  },
];

function toEntryPoint(name: string, context: TurnContext): Turned {
  const target = entryPointOf(name, context.site);
  if (target === undefined) {
    return impossible(
      `names the entry point "${name}", which the configuration does not map`,
      `Map "${name}" by the option traefik.entryPoints.`,
    );
  }
  return {
    fields: {
      'M.redirectscheme.scheme': target.tls ? 'https' : 'http',
      ...(target.port === undefined ? {} : { 'M.redirectscheme.port': String(target.port) }),
      'M.redirectscheme.permanent': permanent(context),
    },
  };
}

/** The Traefik 3 entry point for a name of Traefik 1. */
export const entryPointOf = (name: string, { entryPoints }: TranslationSite): TranslationSite['entryPoints'][string] | undefined =>
  Object.hasOwn(entryPoints, name) ? entryPoints[name] : undefined;
