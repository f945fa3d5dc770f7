import { describe, expect, it } from 'vitest';
import { specId } from '../../../../src/core/model/ids.ts';
import type { SpecFile } from '../../../../src/core/model/spec-set.ts';
import { placeRefusals } from '../../../../src/core/validate/place-refusals.ts';
import { problem } from '../../../../src/shared/problem.ts';

const TEXT = `apiVersion: v1
kind: ConfigMap
metadata:
  name: other
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    a.dev/b: 'c'
spec:
  ports:
    - name: http
      port: 80
    - name: Https
      port: 99999
`;
const FILE: SpecFile = { id: specId('a.yaml'), blobId: 'b', content: { kind: 'bytes', bytes: new TextEncoder().encode(TEXT) } };

/** Where a refusal in the file is told, as `line:column path`, with its text. */
const placed = (message: string, file = 'a.yaml'): readonly string[] =>
  placeRefusals([{ file, problem: problem('KUBERNETES_REFUSED', message) }], new Map([[FILE.id, FILE]]), {
    defaultNamespace: 'default',
    namespaceFromFolder: false,
    root: '',
  }).map(({ where, message: text }) => `${where?.line}:${where?.column} ${where?.path} ${text}`);

describe('what the API server refuses', () => {
  it('is told at each field', () => {
    const message =
      'Service default/web: spec.ports[1].port: Invalid value: 99999: must be lower; or so; spec.ports[1].name: Invalid value: "Https": a lower case';
    expect(placed(message)).toEqual([
      '17:13 spec.ports[1].port Service default/web: spec.ports[1].port: Invalid value: 99999: must be lower; or so',
      '16:13 spec.ports[1].name Service default/web: spec.ports[1].name: Invalid value: "Https": a lower case',
    ]);
  });

  it.each([
    ['Service default/web: .spec.ports[port=80,protocol="TCP"].portt: field not declared in schema', '14:5 spec.ports'],
    ['Service default/web: metadata.annotations[a.dev/b]: Invalid value', '11:14 metadata.annotations["a.dev/b"]'],
    ['Service default/web: admission webhook "x" denied the request: no', '6:1 '],
    ['ConfigMap default/other: spec.data: Invalid value', '1:1 '],
    ['something else', '1:1 '],
  ])('%s', (message, place) => {
    expect(placed(message)).toEqual([expect.stringContaining(place)]);
  });

  it('keeps what no file is known for', () => {
    expect(placed('Service default/web: spec.x: no', 'b.yaml')).toEqual(['undefined:undefined undefined Service default/web: spec.x: no']);
  });
});
