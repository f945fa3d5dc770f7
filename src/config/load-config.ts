import { type Problem, problem, type SourcePosition } from '../shared/problem.ts';
import { closestWord } from './closest-word.ts';
import type { Config } from './config.ts';
import { type OptionEntry, optionEntries } from './option-entries.ts';
import { errorCode, type ReadFile, readSecrets } from './read-secrets.ts';
import { readYaml, type YamlLeaf } from './read-yaml.ts';
import { checkRules } from './rules.ts';

/** Where the options come from, in rising order: defaults, file, environment, flags. */
export interface ConfigSources {
  /** Path of the YAML file, if there is one. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By dotted key: `git.interval`. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  readonly readFile: ReadFile;
}

export type LoadedConfig =
  | { readonly kind: 'ok'; readonly config: Config }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

/** A value as someone wrote it, and where. */
interface Candidate {
  readonly value: unknown;
  /** How a message begins: the key, and the variable or flag that set it. */
  readonly label: string;
  readonly where?: SourcePosition;
}

/**
 * The configuration, or everything that is wrong with it at once: unknown keys with what they were probably meant to be,
 * values that do not parse, options that contradict each other, secret files that cannot be read. No message shows a secret.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const entries = optionEntries();
  const yaml = readFileLeaves(sources, entries);
  const problems: Problem[] = [...yaml.problems, ...unknownKeys(yaml.leaves, entries), ...misspeltVariables(sources.env, entries)];
  const leaves = new Map(yaml.leaves.map((leaf) => [leaf.key, leaf]));
  const invalid = new Set<string>();
  const draft: Record<string, unknown> = {};
  for (const entry of entries) {
    const parsed = parseOption(entry, candidateFor(entry, sources, leaves.get(entry.key)));
    if (parsed.problem !== undefined) {
      invalid.add(entry.key);
      problems.push(parsed.problem);
    }
    assign(draft, entry.path, parsed.value);
  }
  const explicit = isSet(sources, leaves, 'registration', entries);
  // The draft has the shape of the table, value by value; where an option is invalid, rules that read it are not asked.
  const config = { ...draft, registrationExplicit: explicit } as unknown as Config;
  problems.push(...checkRules(config, (key) => !invalid.has(key)));
  const secrets = readSecrets(config, sources.readFile);
  if (secrets.kind === 'invalid') problems.push(...secrets.problems);
  return problems.length === 0 ? { kind: 'ok', config } : { kind: 'invalid', problems };
}

interface FileLeaves {
  readonly leaves: readonly YamlLeaf[];
  readonly problems: readonly Problem[];
}

function readFileLeaves({ file, readFile }: ConfigSources, entries: readonly OptionEntry[]): FileLeaves {
  if (file === undefined) return { leaves: [], problems: [] };
  let text: string;
  try {
    text = readFile(file);
  } catch (error) {
    return { leaves: [], problems: [problem('CONFIG_UNREADABLE', `the configuration file ${file} cannot be read (${errorCode(error)})`)] };
  }
  const parsed = readYaml(file, text, sectionsOf(entries));
  return parsed.kind === 'ok' ? { leaves: parsed.leaves, problems: [] } : { leaves: [], problems: parsed.problems };
}

function sectionsOf(entries: readonly OptionEntry[]): ReadonlySet<string> {
  const within = (key: string): readonly string[] => key.split('.').map((_, i, names) => names.slice(0, i).join('.'));
  return new Set(entries.flatMap(({ key }) => within(key).slice(1)));
}

function unknownKeys(leaves: readonly YamlLeaf[], entries: readonly OptionEntry[]): readonly Problem[] {
  const known = entries.map(({ key }) => key);
  const sections = sectionsOf(entries);
  return leaves
    .filter(({ key }) => !known.includes(key))
    .map(({ key, where }) => {
      if (sections.has(key))
        return problem('CONFIG_INVALID', `${key}: expected a mapping of options`, {
          where,
          remedy: 'Write its options below it, indented.',
        });
      const meant = closestWord(key, known) ?? known.find((candidate) => candidate.endsWith(`.${key}`));
      const remedy = meant === undefined ? 'Remove the key.' : `Did you mean ${meant}?`;
      return problem('CONFIG_UNKNOWN_KEY', `there is no option ${key}`, { where, remedy });
    });
}

const PREFIX = 'POOLKEEPER_';
/** Variables that the command line reads itself. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['POOLKEEPER_CONFIG', 'POOLKEEPER_URL', 'POOLKEEPER_TOKEN_FILE']);
// A Kubernetes Service called poolkeeper puts variables such as POOLKEEPER_PORT_8080_TCP into every Pod of its namespace.
const SERVICE_VARIABLE = /_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP|SCTP)(_|$)|$)/;

/** Variables that are nearly one of ours. Others with our prefix are left alone: they may belong to tools around us. */
function misspeltVariables(env: ConfigSources['env'], entries: readonly OptionEntry[]): readonly Problem[] {
  const known = entries.map((entry) => entry.env.slice(PREFIX.length));
  const ours = (name: string) => known.includes(name.slice(PREFIX.length)) || OTHER_VARIABLES.has(name) || SERVICE_VARIABLE.test(name);
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !ours(name))
    .flatMap((name) => {
      const meant = closestWord(name.slice(PREFIX.length), known);
      const remedy = `Did you mean ${PREFIX}${meant}?`;
      return meant === undefined ? [] : [problem('CONFIG_UNKNOWN_KEY', `there is no option for the variable ${name}`, { remedy })];
    });
}

function candidateFor(entry: OptionEntry, { env, flags }: ConfigSources, leaf: YamlLeaf | undefined): Candidate | undefined {
  const { key, option } = entry;
  const flag = flags[key];
  if (flag !== undefined) return { value: flag, label: `${key} (${entry.flag})` };
  const variable = env[entry.env];
  // An empty variable means "not set": templates of manifests cannot leave a variable out.
  if (variable !== undefined && variable !== '') return { value: variable, label: `${key} (${entry.env})` };
  if (leaf !== undefined) return { value: leaf.value, label: key, where: leaf.where };
  return option.default === undefined ? undefined : { value: option.default, label: key };
}

function isSet(sources: ConfigSources, leaves: ReadonlyMap<string, YamlLeaf>, key: string, entries: readonly OptionEntry[]): boolean {
  const variable = entries.find((entry) => entry.key === key)?.env ?? '';
  return sources.flags[key] !== undefined || (sources.env[variable] ?? '') !== '' || leaves.has(key);
}

function parseOption(
  { key, env, flag, option }: OptionEntry,
  candidate: Candidate | undefined,
): { readonly value: unknown; readonly problem?: Problem } {
  if (candidate === undefined) {
    const remedy = `Set it in the configuration file, as ${env}, or as ${flag}.`;
    return option.required
      ? { value: undefined, problem: problem('CONFIG_INVALID', `${key}: must be set`, { remedy }) }
      : { value: undefined };
  }
  const parsed = option.kind.schema.safeParse(candidate.value);
  if (parsed.success) return { value: parsed.data };
  const inside = parsed.error.issues[0]?.path.join('.') ?? '';
  const message = `${candidate.label}: expected ${option.kind.expects}, got ${shown(option, candidate.value)}${inside === '' ? '' : `, wrong at ${inside}`}`;
  const where = candidate.where === undefined ? {} : { where: candidate.where };
  const quotes = typeof candidate.value === 'number' || typeof candidate.value === 'boolean';
  const remedy = quotes ? 'Correct the value; text that looks like a number or a truth value needs quotes.' : 'Correct the value.';
  return { value: undefined, problem: problem('CONFIG_INVALID', message, { remedy, ...where }) };
}

/** A wrong value for a message, cut short; a URL may hold a password, and a secret may stand where its file belongs: these are not shown. */
function shown({ kind }: OptionEntry['option'], value: unknown): string {
  if (kind.secretFile === true) return 'something else';
  const text = JSON.stringify(value) ?? 'nothing';
  if (text.includes('://')) return 'a URL that does not fit';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function assign(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  target[first] ??= {};
  assign(target[first] as Record<string, unknown>, rest, value);
}
