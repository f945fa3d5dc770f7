import { RULE_FUNCTIONS } from '../../src/core/tags/rule-functions.ts';
import type { V1Key } from '../../src/core/tags/v1-key.ts';
import { DEPRECATED_KEYS, V1_KEYS } from '../../src/core/tags/v1-keys.ts';

/** The reference of the translation from Traefik 1 to Traefik 3, made from its tables. */
export function renderTraefikReference(): string {
  const sections = Object.entries(V1_KEYS).map(([title, rows]) => `\n### ${title}\n\n${KEY_HEAD}${rows.map(keyRow).join('')}`);
  const functions = RULE_FUNCTIONS.map(({ name, class: kind, to, remark }) => line(code(name), kind, places(to), remark));
  const old = DEPRECATED_KEYS.map(({ key, now, wins }) => line(code(key), code(now), wins === true ? 'the old name' : 'the new name'));
  return `# Traefik 1 tags in Traefik 3

<!-- Made by \`npm run docs\` from \`src/core/tags\`: change it there. -->

With \`traefik.dialect\` \`both\` or \`v3\`, what the annotations of a Service say in the words of Traefik 1 is also written in those of Traefik 3,
unless the Service has a Traefik 3 router of its own. \`poolkeeper routes --translate FILE\` shows it for a file, without a cluster.

Each tag is of one class:

| Class | What it means | Told as |
|---|---|---|
| exact | Traefik 3 does the same | nothing |
| rewritten | the same in other words | a note, \`TAG_REWRITTEN\` |
| approximate | nearly the same | a warning, \`TAG_APPROXIMATED\`; an error with \`traefik.strict: true\` |
| impossible | nothing in Traefik 3 does it, or it would be wrong | an error, \`TAG_NOT_TRANSLATED\`, with what to do instead |
| unknown | Traefik 1 does not read it, or not this value of it | a warning, \`TAG_UNKNOWN\` |

With an error the registration of the Service stays as it is: a route is never opened without its guards. The class in the tables is that
of an ordinary value.

What no tag says comes from the configuration: \`traefik.entryPoints\` (names, TLS, ports), \`traefik.domain\` and \`traefik.frontEndRule\` (rules of
Services without one), \`traefik.drrStrategy\`, \`traefik.forwardedDepth\`.

## Tags that would stop Traefik 1

Traefik 1 pastes the values of all tags of all services into one TOML document. One with a quote, a backslash or a control character that is
not escaped, or a header name that is no TOML key, makes the whole of it unreadable, and Traefik 1 takes no change of any service until it
is gone. Such a tag is an error, \`TAG_INVALID\`, and is never written.

## Tags

All begin with \`traefik.\`. Every \`frontend.…\` may also stand in \`frontends.NAME.…\`, which is one more router. NAME is a name of yours. In the
right column \`R\` is the router, \`S\` the Traefik service and \`M\` a middleware of ours, each with the name of the Service, its namespace and six
digits in its name; \`R.rule\` is short for \`traefik.http.routers.R.rule\`.
${sections.join('')}
## Old names

| Old name | Name | With both, Traefik 1 reads |
|---|---|---|
${old.join('')}
## Rules

The parts of a rule are joined by \`&&\`, the arguments of a function by \`||\` (those of \`Headers\`, \`HeadersRegexp\` and \`Query\` by \`&&\`). Patterns
\`{name:expression}\` become regular expressions. Go templates are filled in: \`.ServiceName\`, \`.Domain\`, \`getTag\`, \`getAttribute\`, \`hasTag\`,
\`if\`, \`else\`, \`end\`. A rule is translated wholly or not at all.

| Function | Class | In Traefik 3 | Remark |
|---|---|---|---|
${functions.join('')}`;
}

const KEY_HEAD = '| Tag | Class | In Traefik 3 | Remark |\n|---|---|---|---|\n';
const keyRow = ({ key, class: kind, to, remark, remedy }: V1Key): string =>
  line(code(key), kind, places(to), [remark, remedy].filter((text) => text !== undefined).join('. '));

const line = (...cells: readonly (string | undefined)[]): string =>
  `| ${cells.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |\n`;
const code = (text: string): string => `\`${text}\``;
/** The keys and matchers in a text as code. */
const places = (text: string): string =>
  text.replaceAll(/\b(?:[RSM](?:-\w+)?|traefik)\.[\w.=-]*\w|\b(?:Host|Path|Method|Header|Query)(?:Prefix|Regexp)?\b/g, code);
