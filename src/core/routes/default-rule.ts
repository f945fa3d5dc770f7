import type { DefaultRule } from './declare-tags.ts';
import { normalizeName } from './go-values.ts';

const TRAEFIKS_OWN = 'Host(`{{ normalize .Name }}`)';
const FUNCTIONS: Readonly<Record<string, (text: string) => string>> = {
  normalize: normalizeName,
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  trim: (text) => text.trim(),
};
/** `.Name`, or a label by its neutral key, with functions before it or behind bars. */
const ACTION =
  /^-?\s*(?<before>(?:\w+\s+)*)(?<value>\.Name|\(?\s*index\s+\.Labels\s+"(?<label>[^"]*)"\s*\)?)(?<after>(?:\s*\|\s*\w+)*)\s*-?$/;

/**
 * Renders Traefik's `defaultRule` for services: texts with `.Name` and `index .Labels "…"`, and the functions normalize, lower, upper and
 * trim. Undefined for a template that holds anything else of Go's templates: what it makes is not known.
 */
export function readDefaultRule(template: string = TRAEFIKS_OWN): DefaultRule | undefined {
  const parts = template.split(/(\{\{.*?\}\})/s).map(readPart);
  if (parts.some((part) => part === undefined)) return undefined;
  return (service, labels) => parts.map((render) => render?.(service, labels) ?? '').join('');
}

type Part = (service: string, labels: ReadonlyMap<string, string>) => string;

function readPart(text: string): Part | undefined {
  if (!text.startsWith('{{')) return () => text;
  const { before = '', value = '', label, after = '' } = ACTION.exec(text.slice(2, -2).trim())?.groups ?? {};
  if (value === '') return undefined;
  const names = [...before.trim().split(/\s+/).reverse(), ...after.split('|').map((name) => name.trim())].filter((name) => name !== '');
  const functions = names.map((name) => FUNCTIONS[name]);
  if (functions.some((apply) => apply === undefined)) return undefined;
  return (service, labels) =>
    functions.reduce((result, apply) => apply?.(result) ?? '', label === undefined ? service : (labels.get(label) ?? ''));
}
