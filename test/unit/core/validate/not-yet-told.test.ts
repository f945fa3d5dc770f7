import { describe, expect, it } from 'vitest';
import { notYetTold } from '../../../../src/core/validate/not-yet-told.ts';
import { type Problem, type ProblemCode, problem } from '../../../../src/shared/problem.ts';

const at = (path: string, file = 'a.yaml', code: ProblemCode = 'SPEC_UNKNOWN_FIELD'): Problem =>
  problem(code, 'found', { where: { file, line: 1, column: 1, path } });

/** What is left of a refusal in `a.yaml`. */
const left = (message: string, found: readonly Problem[], code: ProblemCode = 'KUBERNETES_REFUSED'): readonly string[] =>
  notYetTold([{ file: 'a.yaml', problem: problem(code, message) }], found).map((told) => told.problem.message);

describe('what the API server refuses', () => {
  const UNKNOWN = 'Deployment a/b: .spec.template.spec.containers[name="a: b"].imag: field not declared in schema';

  it.each(['spec.template.spec.containers[0].imag', 'objects.deployments.specification.spec.template.spec.containers[0].imag'])(
    'is told once when it was found at %s',
    (path) => {
      expect(left(UNKNOWN, [at(path)])).toEqual([]);
    },
  );

  it('is told when it was found elsewhere, or is no error there', () => {
    const path = 'spec.template.spec.containers[0].imag';
    const warning: Problem = { ...at(path), severity: 'warning' };
    for (const found of [[], [at(path, 'b.yaml')], [at('spec.imag')], [at('xspec.template.spec.containers[0].imag')], [warning]]) {
      expect(left(UNKNOWN, found)).toEqual([UNKNOWN]);
    }
  });

  it('keeps the fields that nobody has found', () => {
    const message = 'Deployment a/b: spec.ports[0].name: Required value; spec.replicas: Invalid value: -1: must not be negative';
    expect(left(message, [at('spec.ports[0].name')])).toEqual(['Deployment a/b: spec.replicas: Invalid value: -1: must not be negative']);
  });

  it('is told once when it could not even be decoded for what was found', () => {
    const message = 'Deployment a/b: strict decoding error: unknown field "spec.imag"';
    expect(left(message, [at('spec.imag')])).toEqual([]);
    expect(left(message, [])).toEqual([message]);
  });

  it('is told once of a kind that is not served, and always of what no schema tells', () => {
    expect(left('no such kind', [at('kind', 'a.yaml', 'KUBERNETES_UNKNOWN_KIND')], 'KUBERNETES_UNKNOWN_KIND')).toEqual([]);
    expect(left('no such kind', [at('spec.kind')], 'KUBERNETES_UNKNOWN_KIND')).toEqual(['no such kind']);
    expect(left('Deployment a/b: spec.imag: not yours', [at('spec.imag')], 'OBJECT_NOT_OURS')).toEqual([
      'Deployment a/b: spec.imag: not yours',
    ]);
  });
});
