import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FieldsV1, KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import { judgeStep, lostFields } from '../../../../src/core/plan/in-step.ts';
import { decodeOne, marked } from '../../../support/apply-marked.ts';
import { liveOf } from '../../../support/builders.ts';
import { IN_STEP_CASES } from '../../../support/in-step-cases.ts';
import type { RecordedObject } from '../../../support/record-in-step.ts';
import { RECORDED_NAMESPACE } from '../../../support/record-in-step.ts';

/** Made by `node test/support/record-in-step.ts`. */
const RECORDED = readFileSync(join(import.meta.dirname, 'fixtures/in-step.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedObject);

/** The live object as it was recorded, and what we would send for it now. */
function recorded(name: string, edit: string): { readonly desired: KubernetesObject; readonly live: LiveObject } {
  const found = RECORDED.find((one) => one.case === name && one.edit === edit);
  const definition = IN_STEP_CASES.find((one) => one.name === name);
  if (found === undefined || definition === undefined) throw new Error(`not recorded: ${name}, ${edit}`);
  const object = decodeOne(definition.yaml, RECORDED_NAMESPACE);
  const { labels, annotations, ourFields } = found;
  const live = liveOf(object, { labels, annotations, ourFields });
  return { desired: marked(object, live), live };
}

describe.each(IN_STEP_CASES)('$name, as an API server recorded it', ({ name, edits }) => {
  it('is in step right after our apply', () => {
    const { desired, live } = recorded(name, '');
    expect(judgeStep(desired, live)).toEqual({ kind: 'in-step' });
  });

  it.each(edits)('is judged $verdict after: $name', ({ name: edit, verdict, lost = [] }) => {
    const { desired, live } = recorded(name, edit);
    const judged = judgeStep(desired, live);
    expect(judged.kind).toBe(verdict);
    expect(judged.kind === 'in-step' ? [] : [...judged.changes].sort()).toEqual([...lost].sort());
  });
});

describe('a change of the spec', () => {
  it.each<readonly [string, (yaml: string) => string]>([
    ['a value', (yaml) => yaml.replace('web:1', 'web:2')],
    ['a field taken out', (yaml) => yaml.replace('revisionHistoryLimit: 3', '')],
    ['an item taken out', (yaml) => yaml.replace('- { name: sidecar, image: registry.invalid/sidecar:1 }', '')],
    ['a label', (yaml) => yaml.replace('tier: front', 'tier: back')],
  ])('shows by the hash: %s', (_name, change) => {
    const { live } = recorded('a Deployment with probes, environment and volumes', '');
    const yaml = IN_STEP_CASES[0]?.yaml ?? '';
    expect(change(yaml)).not.toBe(yaml);
    const desired = marked(decodeOne(change(yaml), RECORDED_NAMESPACE), live);
    expect(judgeStep(desired, live)).toEqual({ kind: 'change', changes: ['content'] });
  });

  it('is told by path where a field is new to us', () => {
    const { live } = recorded('a ConfigMap', '');
    const desired = marked(
      decodeOne('{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: "1", b: "", c: "3"}}', RECORDED_NAMESPACE),
      live,
    );
    expect(judgeStep(desired, live)).toEqual({ kind: 'change', changes: ['data.c'] });
  });

  it('does not show when only the order of keys or the spelling of the file changed', () => {
    const { live } = recorded('a ConfigMap', '');
    const yaml = 'data:\n  b: ""\n  a: "1"\nbinaryData: { c: AQI= }\nkind: ConfigMap\napiVersion: v1\nmetadata: { name: settings }\n';
    expect(judgeStep(marked(decodeOne(yaml, RECORDED_NAMESPACE), live), live)).toEqual({ kind: 'in-step' });
  });
});

describe('lostFields', () => {
  const object = (spec: unknown): KubernetesObject => ({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, spec });
  const ours = (spec: unknown): FieldsV1 => ({ 'f:spec': spec }) as FieldsV1;
  const held = (fields: FieldsV1 | undefined): Parameters<typeof lostFields>[1] => ({
    ...(fields === undefined ? {} : { ourFields: fields }),
    managers: [],
  });
  const item = (more: Readonly<Record<string, unknown>> = {}): FieldsV1 => ({ '.': {}, 'f:port': {}, ...more }) as FieldsV1;

  it.each<readonly [string, unknown, unknown, readonly string[]]>([
    ['a scalar that is ours', { a: 1 }, { 'f:a': {} }, []],
    ['a scalar that is not', { a: 1 }, { 'f:b': {} }, ['spec.a']],
    ['false and zero and the empty text, which are values', { a: false, b: 0, c: '' }, { 'f:a': {} }, ['spec.b', 'spec.c']],
    ['nothing at all', { a: undefined, b: null }, {}, []],
    ['an atomic list', { a: ['x', 'y'] }, { 'f:a': {} }, []],
    ['an atomic list that is gone', { a: ['x'], z: 1 }, { 'f:z': {} }, ['spec.a']],
    ['an atomic map', { a: { b: { c: 1 } } }, { 'f:a': {} }, []],
    ['a nested field', { a: { b: { c: 1, d: 2 } } }, { 'f:a': { 'f:b': { 'f:c': {} } } }, ['spec.a.b.d']],
    ['an empty map that is ours', { a: {}, z: 1 }, { 'f:a': {}, 'f:z': {} }, []],
    ['an empty map that is gone', { a: {}, z: 1 }, { 'f:z': {} }, ['spec.a']],
    ["an empty list, which may be in no one's fields", { a: [], z: 1 }, { 'f:z': {} }, []],
    ['a map that holds nothing but empty lists', { a: { b: [], c: { d: [] } }, z: 1 }, { 'f:z': {} }, []],
    ['a set', { a: ['x', 'y'] }, { 'f:a': { 'v:"x"': {} } }, ['spec.a[1]']],
    ['a set whose members the API server spells in another way', { a: ['a&b', '<c>'] }, { 'f:a': { 'v:"a\\u0026b"': {} } }, ['spec.a[1]']],
    ['a set of maps', { a: [{ y: 1, x: 2 }, { x: 1 }] }, { 'f:a': { 'v:{"x":2,"y":1}': {} } }, ['spec.a[1]']],
    ['a set of numbers', { a: [1, 2] }, { 'f:a': { 'v:1': {}, 'v:2': {} } }, []],
    [
      'an item matched by the keys that it has, the others being defaults',
      { a: [{ port: 80 }, { port: 90 }] },
      { 'f:a': { 'k:{"port":80,"protocol":"TCP"}': item() } },
      ['spec.a[1]'],
    ],
    [
      'items that differ in their second key',
      { a: [{ port: 80, protocol: 'UDP', x: 1 }] },
      {
        'f:a': {
          'k:{"port":80,"protocol":"TCP"}': item({ 'f:x': {}, 'f:protocol': {} }),
          'k:{"port":80,"protocol":"UDP"}': item({ 'f:protocol': {} }),
        },
      },
      ['spec.a[0].x'],
    ],
    [
      'items of which one leaves out what tells it from the other, which alone is ours',
      { a: [{ port: 53 }, { port: 53, protocol: 'UDP' }] },
      { 'f:a': { 'k:{"port":53,"protocol":"UDP"}': item({ 'f:protocol': {} }) } },
      ['spec.a[0]'],
    ],
    ['a key that is a number, not its text', { a: [{ port: 80 }] }, { 'f:a': { 'k:{"port":"80"}': item() } }, ['spec.a[0]']],
    ['a key with a dot and a slash', { 'a.b/c': 1 }, { 'f:a.b/c': {} }, []],
    ['a field called like a member of every object', { constructor: 1, z: 1 }, { 'f:z': {} }, ['spec.constructor']],
  ])('judges %s', (_name, spec, fields, lost) => {
    expect(lostFields(object(spec), held(ours(fields)))).toEqual(lost);
  });

  it.each<readonly [string, unknown, FieldsV1, readonly string[]]>([
    ['misses an empty atomic list that somebody else has filled', { a: [], z: 1 }, ours({ 'f:a': {} }), ['spec.a']],
    ['does not miss an empty keyed list that somebody else has filled', { a: [], z: 1 }, ours({ 'f:a': { 'k:{"name":"x"}': item() } }), []],
    ['does not miss an empty set that somebody else has filled', { a: [], z: 1 }, ours({ 'f:a': { 'v:"x"': {} } }), []],
  ])('%s', (_name, spec, theirs, lost) => {
    const managers = [{ name: 'kubectl', operation: 'Update' as const, subresource: '', ownsReplicas: false, fields: theirs }];
    expect(lostFields(object(spec), { ourFields: ours({ 'f:z': {} }), managers })).toEqual(lost);
  });

  it.each<readonly [string, unknown, FieldsV1, readonly string[]]>([
    [
      'misses all of a map of unknown fields that others have taken',
      { a: { b: 1, c: {} } },
      ours({ 'f:a': { 'f:b': {} } }),
      ['spec.a.b', 'spec.a.c'],
    ],
    ['does not miss what others have added to an empty one', { a: {} }, ours({ 'f:a': { 'f:b': {} } }), []],
    ['does not miss an atomic map that others hold too', { a: { b: 1 } }, ours({ 'f:a': {} }), []],
  ])('%s', (_name, spec, theirs, lost) => {
    const managers = [{ name: 'kubectl', operation: 'Update' as const, subresource: '', ownsReplicas: false, fields: theirs }];
    expect(lostFields(object(spec), { ourFields: ours({ 'f:a': {} }), managers })).toEqual(lost);
  });

  it('misses an empty atomic list inside of a keyed item', () => {
    const mine = ours({ 'f:c': { 'k:{"name":"main"}': item({ 'f:name': {} }) } });
    const theirs = ours({ 'f:c': { 'k:{"name":"main"}': { 'f:args': {} } } });
    const managers = [{ name: 'kubectl', operation: 'Update' as const, subresource: '', ownsReplicas: false, fields: theirs }];
    expect(lostFields(object({ c: [{ name: 'main', args: [] }] }), { ourFields: mine, managers })).toEqual(['spec.c[0].args']);
  });

  it('says everything when we own nothing, and at most 20 paths', () => {
    const wide = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, i]));
    expect(lostFields({ ...object({}), ...wide }, held(undefined))).toHaveLength(20);
    expect(lostFields(object({ a: 1 }), held(undefined))).toEqual(['spec']);
  });

  it('does not ask who owns apiVersion, kind, name and namespace: no one does', () => {
    expect(lostFields({ apiVersion: 'v1', kind: 'X', metadata: { name: 'x', namespace: 'y' } }, held({}))).toEqual([]);
  });
});
