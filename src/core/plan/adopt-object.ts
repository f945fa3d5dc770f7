import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import type { Ownership } from '../desired/ownership.ts';
import { objectTitle } from '../model/ids.ts';
import { fieldManager, SETTINGS } from '../model/marks.ts';
import type { KubernetesObject, LiveObject } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import { heldFields } from './held-fields.ts';

/** What an object had when the first server-side apply met it, while nobody kept managedFields: the API server gives it to this name. */
const BEFORE_FIRST_APPLY = 'before-first-apply';
const MOST_FIELDS = 20;
const MOST_CLASHES = 5;

/** Why a stranger's object is left alone, with its managers and the fields that both set; undefined when it may be adopted. */
export function whyNotAdopt(wanted: KubernetesObject, live: LiveObject, policy: Policy): Problem | undefined {
  const title = objectTitle(live.key);
  if (live.controlledBy !== undefined) {
    return problem('OBJECT_NOT_OURS', `${title} is controlled by ${live.controlledBy}`, { remedy: 'Rename the object in the spec.' });
  }
  if (policy.allowAdopt || wanted.metadata.annotations?.[SETTINGS.adopt] === 'true') return undefined;
  const both = fieldsOfOthers(wanted, live).flatMap(({ path, wanted: clashes }) => (clashes ? [path] : []));
  const clash = both.length === 0 ? '' : `; both set ${shorten(both, MOST_CLASHES).join(', ')}`;
  return problem('OBJECT_NOT_OURS', `${title} exists already and belongs to ${namesOf(managersOf(live, policy))}${clash}`);
}

/**
 * The managers whose fields become ours with the next apply: the configured ones of a stranger that is adopted. Of our own object
 * the nameless one: it would hold on to a field that is removed from Git.
 */
export function managersToTake(live: LiveObject, ownership: Ownership, policy: Policy): readonly string[] {
  const known = ownership === 'stranger' ? policy.adoptFrom : [];
  return managersOf(live, policy).filter((name) => name === BEFORE_FIRST_APPLY || known.includes(name));
}

/** What is sent in the place of what, and the managers whose fields become ours. */
export interface Adoption {
  readonly sent: KubernetesObject;
  readonly live: LiveObject;
  readonly taken: readonly string[];
}

/**
 * What an adoption does, for people: whose object it was; which fields of the managers that are replaced the spec does not set,
 * so that they go back to their defaults; and which ones both set. Values cannot be told: managedFields hold none.
 */
export function adoptionChanges({ sent, live, taken }: Adoption, policy: Policy): readonly string[] {
  const held = fieldsOfOthers(sent, live);
  const unset = held.filter(({ wanted, manager }) => !wanted && taken.includes(manager));
  const fields = [
    ...unset.map(({ path, manager }) => `${path} no longer set (${manager})`),
    ...held.filter(({ wanted }) => wanted).map(({ path, manager }) => `${path} (${manager})`),
  ];
  return [`taken over from ${namesOf(managersOf(live, policy))}`, ...shorten(fields, MOST_FIELDS)];
}

interface FieldOfOther {
  readonly path: string;
  readonly wanted: boolean;
  readonly manager: string;
}

const fieldsOfOthers = (object: KubernetesObject, live: LiveObject): readonly FieldOfOther[] =>
  live.managers.flatMap(({ name, fields }) =>
    fields === undefined ? [] : heldFields(fields, object).map((field) => ({ ...field, manager: name })),
  );

/** Everyone else who has written the object itself. */
function managersOf(live: LiveObject, { owner }: Policy): readonly string[] {
  const others = live.managers.filter(({ name, subresource }) => subresource === '' && name !== fieldManager(owner));
  return [...new Set(others.map(({ name }) => name))];
}
const namesOf = (managers: readonly string[]): string => managers.join(', ') || 'someone else';

const shorten = (texts: readonly string[], most: number): readonly string[] =>
  texts.length <= most ? texts : [...texts.slice(0, most), `${texts.length - most} more`];
