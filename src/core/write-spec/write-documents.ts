import { dump } from 'js-yaml';
import type { JsonValue } from '../model/objects.ts';
import { asObject } from '../spec/json.ts';

export type SpecSyntax = 'yaml' | 'json';

/** The syntax that the name of a file asks for: JSON by its ending, else YAML. */
export const syntaxOf = (file: string): SpecSyntax => (file.toLowerCase().endsWith('.json') ? 'json' : 'yaml');

/**
 * Documents as the text of a file, indented by two. JSON has one document: several become a `kind: List`. Strings that another reader
 * of YAML, 1.1 or 1.2, would take for something else are quoted.
 */
export function writeDocuments(documents: readonly JsonValue[], syntax: SpecSyntax): string {
  if (syntax === 'json') return `${JSON.stringify(documents.length === 1 ? documents[0] : listOf(documents), null, 2)}\n`;
  return documents.map((document) => dump(document, { lineWidth: -1, noRefs: true })).join('---\n');
}

/** Lists inside it are taken apart: a List holds objects. */
function listOf(documents: readonly JsonValue[]): JsonValue {
  const items = documents.flatMap((document) => {
    const list = asObject(document);
    return list?.['kind'] === 'List' && Array.isArray(list['items']) ? (list['items'] as readonly JsonValue[]) : [document];
  });
  return { apiVersion: 'v1', kind: 'List', items };
}
