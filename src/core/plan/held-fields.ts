import type { FieldsV1, KubernetesObject } from '../model/objects.ts';
import { isMemberOf, matchesKeys, parseKeys } from './in-step.ts';

/** A field that a manager holds, and whether the spec sets it too. */
export interface HeldField {
  /** `spec.template.spec.containers[0].image`; an item that the spec has not got is told by its keys. */
  readonly path: string;
  readonly wanted: boolean;
}

/** The fields of a manager's entry beside an object: leaf by leaf where the object has them, else as one. */
export function heldFields(fields: FieldsV1, object: KubernetesObject): readonly HeldField[] {
  const held: HeldField[] = [];
  collect(fields, object, '', held);
  return held;
}

function collect(fields: FieldsV1, value: unknown, path: string, held: HeldField[]): void {
  for (const [member, children] of Object.entries(fields)) {
    if (member === '.') continue;
    const { name, child } = childOf(value, member);
    const at = name.startsWith('[') || path === '' ? `${path}${name}` : `${path}.${name}`;
    const isLeaf = Object.keys(children).every((key) => key === '.');
    if (child === undefined || isLeaf) held.push({ path: at, wanted: child !== undefined });
    else collect(children, child, at, held);
  }
}

/** What a member of FieldsV1 stands for in a value: `f:` a field, `k:` an item by its keys, `v:` a member of a set. */
function childOf(value: unknown, member: string): { readonly name: string; readonly child: unknown } {
  const rest = member.slice(2);
  const list = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (member.startsWith('f:')) {
    const fields = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
    return { name: rest, child: Object.hasOwn(fields, rest) ? fields[rest] : undefined };
  }
  if (!member.startsWith('k:')) return { name: `[${rest}]`, child: list.find((item) => isMemberOf(member, item)) };
  const keys = parseKeys(member);
  const index = list.findIndex((item) => typeof item === 'object' && item !== null && matchesKeys(item as typeof keys, keys));
  const told = Object.entries(keys).map(([key, is]) => `${key}=${String(is)}`);
  return index === -1 ? { name: `[${told.join()}]`, child: undefined } : { name: `[${index}]`, child: list[index] };
}
