import { readFileSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The folder with the files that operators take; `path` is relative to it. */
export const deployPath = (...path: readonly string[]): string => join(import.meta.dirname, '..', '..', 'deploy', ...path);

/** The text of a file under deploy/. */
export const readDeploy = (...path: readonly string[]): string => readFileSync(deployPath(...path), 'utf8');

/** One `key=value` of an INI file, with the section it stands in. Keys may come more than once. */
export interface IniEntry {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** Reads systemd units and supervisord configurations; throws on a line that is neither comment, section nor entry. */
export function parseIni(text: string): readonly IniEntry[] {
  const entries: IniEntry[] = [];
  let section = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const [, opened] = /^\[([^\]]+)\]$/.exec(line) ?? [];
    if (opened !== undefined) {
      section = opened;
      continue;
    }
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined || section === '') throw new Error(`line ${index + 1} is no entry: ${line}`);
    entries.push({ section, key, value: value.trim() });
  }
  return entries;
}

/** The values of a key, in order. */
export const iniValues = (entries: readonly IniEntry[], section: string, key: string): readonly string[] =>
  entries.filter((entry) => entry.section === section && entry.key === key).map(({ value }) => value);

/** One instruction of a Dockerfile, its continuation lines joined. */
export interface DockerInstruction {
  readonly name: string;
  readonly text: string;
  /** Counts the FROM instructions so far: 0 before the first. */
  readonly stage: number;
}

/** Reads a Dockerfile without here-documents; throws on a line that begins with no instruction. */
export function parseDockerfile(text: string): readonly DockerInstruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#.*)?$/.test(line));
  const joined = lines.join('\n').replace(/\s*\\\n\s*/g, ' ');
  let stage = 0;
  return joined.split('\n').map((line) => {
    const [, name, rest] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
    if (name === 'FROM') stage += 1;
    return { name, text: rest, stage };
  });
}

/** One rule of an ACL policy: its head, such as `key_prefix "apps/"`, and its text. */
export interface PolicyRule {
  readonly head: string;
  readonly text: string;
}

/** The rules of a policy, comments left out. */
export function policyRules(text: string): readonly PolicyRule[] {
  const bare = text.replace(/^\s*#.*$/gm, '');
  const rules = [...bare.matchAll(/(\w+ "[^"]*") \{[^}]*\}/g)].map(([rule, head = '']) => ({ head, text: rule }));
  const rest = rules.reduce((left, rule) => left.replace(rule.text, ''), bare);
  if (rest.trim() !== '') throw new Error(`not a rule: ${rest.trim()}`);
  return rules;
}

/** Where a program is on PATH. Missing ones are allowed on a developer's machine; with CI=true they are an error. */
export async function findProgram(name: string, debianPackage: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, name);
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  if (process.env['CI'] === 'true') throw new Error(`no ${name} on PATH: install the Debian package ${debianPackage}`);
  return undefined;
}
