import type { JsonObject, JsonValue } from '../model/objects.ts';
import { nearest } from './did-you-mean.ts';
import type { Finding } from './finding.ts';
import { asObject, spaceRemedy, typeName } from './json.ts';
import { isDnsLabel, isDnsSubdomain, isPathSegment } from './names.ts';
import type { Path } from './places.ts';

const API_VERSION = /^(?:[a-z0-9][a-z0-9.-]*\/)?v\d+(?:(?:alpha|beta)\d+)?$/;
const KIND = /^[A-Z][A-Za-z0-9]*$/;

/** Checks that an object says what it is: apiVersion, kind and metadata.name, each a string of the right form. */
export function checkIdentity(object: JsonObject): readonly Finding[] {
  const findings = [
    ...(misspelt(object, 'apiVersion') ??
      checkString(object['apiVersion'], ['apiVersion'], 'Write something like "apps/v1".', (text) => API_VERSION.test(text))),
    ...(misspelt(object, 'kind') ??
      checkString(object['kind'], ['kind'], 'Write a kind such as "Deployment", with a capital.', (text) => KIND.test(text))),
  ];
  const metadata = object['metadata'];
  if (metadata === undefined) {
    return [...findings, ...(misspelt(object, 'metadata') ?? [missing(['metadata', 'name'], 'Give the object a name.')])];
  }
  const mapping = asObject(metadata);
  if (mapping === undefined) {
    return [
      ...findings,
      {
        code: 'SPEC_INVALID_FIELD',
        path: ['metadata'],
        message: `metadata must be a mapping, not ${typeName(metadata)}`,
        ...spaceRemedy(metadata),
      },
    ];
  }
  const { test, rule } = nameRule(object);
  return [...findings, ...checkString(mapping['name'], ['metadata', 'name'], rule, test)];
}

function checkString(value: JsonValue | undefined, path: Path, remedy: string, test: (text: string) => boolean): readonly Finding[] {
  const field = path.join('.');
  if (value === undefined) return [missing(path, remedy)];
  if (typeof value !== 'string') {
    return [
      { code: 'SPEC_INVALID_FIELD', path, message: `${field} must be a string, not ${typeName(value)}`, remedy: 'Put it in quotes.' },
    ];
  }
  if (test(value)) return [];
  return [{ code: 'SPEC_INVALID_FIELD', path, message: `${field} is ${JSON.stringify(value.slice(0, 80))}`, remedy }];
}

/** The field under a name that nearly is its own, where it is missing; undefined where it is there, or nothing comes near. */
function misspelt(object: JsonObject, field: string): readonly Finding[] | undefined {
  const near = object[field] === undefined ? Object.keys(object).find((key) => nearest(key, [field]) !== undefined) : undefined;
  if (near === undefined) return undefined;
  return [
    {
      code: 'SPEC_UNKNOWN_FIELD',
      path: [near],
      at: 'key',
      message: `an object has no field "${near}"`,
      remedy: `Did you mean "${field}"?`,
    },
  ];
}

const missing = (path: Path, remedy: string): Finding => ({
  code: 'SPEC_MISSING_FIELD',
  path,
  message: `${path.join('.')} is missing`,
  remedy,
});

interface NameRule {
  readonly test: (name: string) => boolean;
  readonly rule: string;
}

const LABEL_RULE: NameRule = {
  test: isDnsLabel,
  rule: 'Use at most 63 lower case letters, digits and "-", with a letter or digit at both ends.',
};
const SUBDOMAIN_RULE: NameRule = {
  test: isDnsSubdomain,
  rule: 'Use at most 253 lower case letters, digits, "-" and ".", with a letter or digit at both ends.',
};
const PATH_RULE: NameRule = { test: isPathSegment, rule: 'The name may hold neither "/" nor "%".' };

/** How the API server wants objects of this kind to be named. */
function nameRule(object: JsonObject): NameRule {
  const kind = object['kind'];
  const version = object['apiVersion'];
  if (version === 'v1' && (kind === 'Service' || kind === 'Namespace')) return LABEL_RULE;
  if (typeof version === 'string' && version.startsWith('rbac.authorization.k8s.io/')) return PATH_RULE;
  return SUBDOMAIN_RULE;
}
