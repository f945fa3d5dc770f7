import { badRequest } from './api-error.ts';
import type { ApiObject } from './api-object.ts';

/** Says whether an object is meant. */
export type Selector = (object: ApiObject) => boolean;

const requirement = /^(?<not>!)?\s*(?<key>[\w./-]+)\s*(?:(?<operator>==?|!=|\bin\b|\bnotin\b)\s*(?<value>\([^)]*\)|[\w.-]*))?$/;

/** Reads the `labelSelector` (equality and sets) and `fieldSelector` (metadata.name) of a request; 400 for what it cannot read. */
export function parseSelectors(query: URLSearchParams): Selector {
  const labels = (query.get('labelSelector') ?? '')
    .split(/,(?![^(]*\))/)
    .filter((part) => part.trim() !== '')
    .map(parseRequirement);
  const field = query.get('fieldSelector') ?? '';
  const name = /^metadata\.name==?([^,]*)$/.exec(field)?.[1];
  if (field !== '' && name === undefined) throw badRequest(`field label not supported: ${field}`);
  return ({ metadata }) => (name === undefined || metadata.name === name) && labels.every((holds) => holds(metadata.labels ?? {}));
}

function parseRequirement(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const groups = requirement.exec(text.trim())?.groups;
  const key = groups?.['key'];
  if (groups === undefined || key === undefined) throw badRequest(`unable to parse requirement: ${text}`);
  const { operator, value = '' } = groups;
  if (operator === undefined) return (labels) => (labels[key] === undefined) === (groups['not'] === '!');
  const values = value
    .replace(/^\(|\)$/g, '')
    .split(',')
    .map((one) => one.trim());
  const isWanted = operator !== '!=' && operator !== 'notin';
  return (labels) => (labels[key] !== undefined && values.includes(labels[key])) === isWanted;
}
