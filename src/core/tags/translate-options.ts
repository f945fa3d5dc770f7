import type { Tag } from './annotation-tags.ts';
import { unescapeToml } from './toml-string.ts';
import type { Fields, Told, TranslationSite, Turned } from './v1-key.ts';
import { DEPRECATED_KEYS, findKey, looksLikeGuard, optionName, rightSpelling, V1_KEYS } from './v1-keys.ts';

/** One tag of Traefik 1 as an option of one of its frontends, or of the backend. */
export interface Option {
  /** The tag's key as written. */
  readonly key: string;
  /** As written, escapes and all. */
  readonly written: string;
  /** NAME of `frontends.NAME`; empty for the plain frontend and the backend. */
  readonly frontend: string;
  /** Its name without `traefik.`, by its new name; `frontend.…` also for other frontends. */
  readonly name: string;
  /** The value without its TOML escapes; that of a rule as written. */
  readonly value: string;
  /** Another tag that says the same and wins. */
  readonly overruledBy?: string;
}

/** What became of one option. */
export interface TurnedOption {
  readonly option: Option;
  readonly told: Told;
  readonly fields: Fields;
}

const FRONTENDS = /^frontends\.(?<frontend>[^.]+)\.(?<rest>.+)$/;
const OTHER_PROVIDERS = /^(?:backend|backend\.id|port|portName|portIndex|domain)$/;

/** The options that Traefik 1 tags stand for: frontends told apart, old names replaced, escapes taken out. */
export function readOptions(tags: readonly Tag[]): readonly Option[] {
  const options = tags.map(({ key, value = '' }) => {
    const name = optionName(key);
    const { frontend = '', rest } = FRONTENDS.exec(name)?.groups ?? {};
    return { key, written: value, frontend, name: rest === undefined ? name : `frontend.${rest}` };
  });
  return options.map((option): Option => {
    const isThere = (name: string): boolean => options.some((other) => other.frontend === option.frontend && other.name === name);
    const old = DEPRECATED_KEYS.find(({ key }) => key === option.name);
    const winner = DEPRECATED_KEYS.find(({ now, wins, key }) => now === option.name && wins === true && isThere(key));
    const overruledBy = winner?.key ?? (old !== undefined && old.wins !== true && isThere(old.now) ? old.now : undefined);
    const name = old?.now ?? option.name;
    const value = name === 'frontend.rule' ? option.written : (unescapeToml(option.written) ?? option.written);
    return { ...option, name, value, ...(overruledBy === undefined ? {} : { overruledBy }) };
  });
}

/** Turns the options of one frontend, or with `''` those of the backend as well, row by row of the table. */
export function turnOptions(options: readonly Option[], frontend: string, site: TranslationSite): readonly TurnedOption[] {
  const mine = options.filter((option) => option.frontend === frontend);
  const values = optionValues(options, frontend);
  return inTableOrder(mine).map((option) => {
    if (option.overruledBy !== undefined) {
      return { option, told: { class: 'exact', reason: `is overruled by traefik.${option.overruledBy}` }, fields: {} };
    }
    const found = findKey(option.name);
    if (found === undefined) return { option, told: unknown(option), fields: {} };
    const { row, name } = found;
    const turned: Turned = row.turn(option.value, row.to, { options: values, name, frontend, site });
    const ofRow = {
      class: row.class,
      reason: row.class === 'exact' ? '' : (row.remark ?? ''),
      ...(row.remedy === undefined ? {} : { remedy: row.remedy }),
    };
    return { option, told: turned.told ?? ofRow, fields: turned.fields ?? {} };
  });
}

/** The values that count for a frontend: its own, and those of the backend. */
export function optionValues(options: readonly Option[], frontend: string): ReadonlyMap<string, string> {
  const counted = options.filter((option) => option.overruledBy === undefined);
  const isMine = (option: Option): boolean =>
    option.frontend === frontend || (option.frontend === '' && !option.name.startsWith('frontend.'));
  return new Map(counted.filter(isMine).map(({ name, value }) => [name, value]));
}

const POSITIONS = new Map(
  Object.values(V1_KEYS)
    .flat()
    .map((row, at) => [row, at] as const),
);

/** Later rows may overrule what earlier ones set: the priority that is written, that of the rule. */
const inTableOrder = (options: readonly Option[]): readonly Option[] =>
  [...options].sort((a, b) => position(a) - position(b) || (a.key < b.key ? -1 : 1));
const position = ({ name }: Option): number => {
  const found = findKey(name);
  return found === undefined ? Number.MAX_SAFE_INTEGER : (POSITIONS.get(found.row) ?? 0);
};

function unknown({ name }: Option): Told {
  const spelling = rightSpelling(name);
  const hint = spelling === undefined ? '' : `; it is written traefik.${spelling}`;
  if (looksLikeGuard(name)) {
    return {
      class: 'impossible',
      reason: `is not one that Traefik 1 reads, but looks like a guard${hint}`,
      remedy: 'Correct its spelling, or remove it.',
    };
  }
  if (OTHER_PROVIDERS.test(name))
    return { class: 'unknown', reason: 'belongs to other providers of Traefik 1; it is not read from Consul' };
  return { class: 'unknown', reason: `is not one that Traefik 1 reads${hint}; it is left out` };
}

/** The names of the frontends beside the plain one, sorted. */
export const frontendNames = (options: readonly Option[]): readonly string[] =>
  [...new Set(options.map(({ frontend }) => frontend).filter((name) => name !== ''))].sort();
