import { groupKindOf } from '../model/ids.ts';
import type { JsonObject, KubernetesObject } from '../model/objects.ts';
import { checkFields } from './check-fields.ts';
import { checkIdentity } from './check-identity.ts';
import { checkMetadata } from './check-metadata.ts';
import { checkPorts } from './check-ports.ts';
import { checkSecret } from './check-secret.ts';
import { checkSettings } from './check-settings.ts';
import type { Finding } from './finding.ts';
import { asObject, valueAt, without } from './json.ts';
import { isDnsLabel } from './names.ts';
import { normaliseObject } from './normalise-object.ts';
import type { Path } from './places.ts';
import { isClusterScoped } from './scope.ts';
import { upgradeObject } from './upgrade-object.ts';

/**
 * What an object was decoded to, and everything that was found on the way. No object when it does not say of which kind it is; one whose
 * name is wrong is there all the same, so that the name hides nothing, and one without a name is called `UNNAMED`.
 */
export interface DecodedObject {
  readonly object: KubernetesObject | undefined;
  /** The object as written, in the API version that it was upgraded to. */
  readonly upgraded: JsonObject;
  /** Paths are relative to the object. */
  readonly findings: readonly Finding[];
  /** Upgrading its API version has filled `spec.selector`. */
  readonly filledSelector?: true;
}

const SELECTOR = ['spec', 'selector'];
const NAMESPACE: ReadonlySet<string> = new Set(['namespace']);

/** Decodes one object: checks it, upgrades its API version, strips what exports leave in, and settles its namespace. */
export function decodeObject(written: JsonObject, fallbackNamespace: string): DecodedObject {
  const identity = checkIdentity(written);
  const { object: upgraded, findings } = upgradeObject(written);
  const checks = [checkMetadata, checkFields, checkPorts, checkSecret, checkSettings];
  const found = [...identity, ...findings, ...checks.flatMap((check) => check(upgraded))];
  if (!saysKind(identity)) return { object: undefined, upgraded, findings: found };
  const placed = settleNamespace(withName(normaliseObject(upgraded)), fallbackNamespace);
  const filled = valueAt(written, SELECTOR) === undefined && valueAt(upgraded, SELECTOR) !== undefined;
  const all = [...found, ...placed.findings];
  return { object: placed.object, upgraded, findings: all, ...(filled ? { filledSelector: true } : {}) };
}

/** What an object without a name is called while the other mistakes of its file are looked for. No object can have this name. */
export const UNNAMED = '(unnamed)';

const ABOUT_NAME: Path = ['metadata', 'name'];

/** True when nothing is wrong with the identity but the name. */
const saysKind = (identity: readonly Finding[]): boolean => identity.every(({ path }) => path.join() === ABOUT_NAME.join());

function withName(object: JsonObject): JsonObject {
  const metadata = asObject(object['metadata']) ?? {};
  return typeof metadata['name'] === 'string' ? object : { ...object, metadata: { ...metadata, name: UNNAMED } };
}

/** The identity was checked: apiVersion, kind and metadata.name are strings. */
function settleNamespace(object: JsonObject, fallback: string): { object: KubernetesObject; findings: readonly Finding[] } {
  const metadata = asObject(object['metadata']) ?? {};
  const own = metadata['namespace'];
  const named = own !== undefined && own !== '';
  const kind = String(object['kind']);
  if (isClusterScoped(groupKindOf(String(object['apiVersion']), kind))) {
    const findings = named ? [ignoredNamespace(kind)] : [];
    return { object: { ...object, metadata: without(metadata, NAMESPACE) } as KubernetesObject, findings };
  }
  const placed = { ...object, metadata: { ...metadata, namespace: named ? own : fallback } } as KubernetesObject;
  return { object: placed, findings: named || isDnsLabel(fallback) ? [] : [badFallback(fallback)] };
}

const ignoredNamespace = (kind: string): Finding => ({
  code: 'SPEC_INVALID_FIELD',
  path: ['metadata', 'namespace'],
  message: `a ${kind} belongs to no namespace; the one given is left out`,
  remedy: 'Remove metadata.namespace.',
  severity: 'note',
});

const badFallback = (fallback: string): Finding => ({
  code: 'SPEC_INVALID_FIELD',
  path: ['metadata', 'namespace'],
  message: `the folder name ${JSON.stringify(fallback)} cannot be a namespace`,
  remedy: 'Set metadata.namespace, or rename the folder.',
});
