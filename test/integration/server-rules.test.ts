import { load } from 'js-yaml';
import { describe, expect, inject, it } from 'vitest';
import type { JsonObject } from '../../src/core/model/objects.ts';
import { checkServerRules } from '../../src/core/validate/check-server-rules.ts';
import { kubeFetch, patchTypes } from '../support/kube-client.ts';
import type { StackConnection } from '../support/stack.ts';

const stack = inject('stack') as StackConnection;

interface Parts {
  /** Fields of the container, of the pod, of the object's spec, and labels of its template. */
  readonly container?: string;
  readonly pod?: string;
  readonly spec?: string;
  readonly labels?: string;
  readonly name?: string;
  readonly image?: string;
}

const workload = ({ container = '', pod = '', spec = '', labels = '', name = 'web', image = 'web' }: Parts): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web${labels} } }
    spec: { containers: [{ name: ${name}, image: ${image}${container} }]${pod} }
${spec}`;
const service = (spec: string): string => `{ apiVersion: v1, kind: Service, metadata: { name: web }, spec: { ${spec} } }`;

/** Whether an API server takes it. */
const CASES: readonly (readonly [what: string, isTaken: boolean, text: string])[] = [
  ['a plain one', true, workload({})],
  ['the name of a container', false, workload({ name: 'My Container' })],
  ['a name in both lists', false, workload({ pod: ', initContainers: [{ name: web, image: a }]' })],
  ['blanks around an image', true, workload({ image: '" ng"' })],
  ['blanks in an image', true, workload({ image: 'a b' })],
  ['an empty image', false, workload({ image: '""' })],
  ['the name of a port', false, workload({ container: ', ports: [{ name: Http, containerPort: 80 }]' })],
  ['a long name of a port', false, workload({ container: ', ports: [{ name: a123456789012345, containerPort: 80 }]' })],
  ['a port name twice', false, workload({ container: ', ports: [{ name: a, containerPort: 80 }, { name: a, containerPort: 81 }]' })],
  ['a volume', false, workload({ container: ', volumeMounts: [{ name: a, mountPath: /a }]' })],
  ['a port of a probe by name', true, workload({ container: ', livenessProbe: { httpGet: { port: htp } }' })],
  ['a port of a probe', false, workload({ container: ', livenessProbe: { httpGet: { port: 70000 } }' })],
  ['a port of a hook', false, workload({ container: ', lifecycle: { preStop: { httpGet: { port: "8080" } } }' })],
  ['the name of a variable', false, workload({ container: ', env: [{ name: A=B, value: a }]' })],
  [
    'a variable with both',
    false,
    workload({ container: ', env: [{ name: A, value: a, valueFrom: { fieldRef: { fieldPath: metadata.name } } }]' }),
  ],
  ['replicas', false, workload({ spec: '  replicas: -2\n' })],
  ['a value of a label', false, workload({ labels: ', a: "b c"' })],
  ['a key of a label', false, workload({ labels: ', "a b": c' })],
  ['a node selector', false, workload({ pod: ', nodeSelector: { a: "b c" }' })],
  ['a NodePort without the type', false, service('ports: [{ port: 80, nodePort: 30085 }]')],
  ['the name of a port of a Service', false, service('ports: [{ port: 80, name: My_Port }]')],
  ['a target in quotes', false, service('ports: [{ port: 80, targetPort: "8080" }]')],
  ['a selector', false, service('selector: { a: "b c" }, ports: [{ port: 80 }]')],
];

describe.skipIf(inject('stack') === undefined)('the rules of the API server that no schema holds', () => {
  it.each(CASES)('say of %s what the API server says', async (_, isTaken, text) => {
    const object = load(text) as JsonObject;
    const isService = object['kind'] === 'Service';
    const base = isService ? '/api/v1/namespaces/default/services/web' : '/apis/apps/v1/namespaces/default/deployments/web';
    const path = `${base}?fieldManager=test&fieldValidation=Strict&dryRun=All`;
    const answer = await kubeFetch(stack, { method: 'PATCH', path, body: object, contentType: patchTypes.apply });
    const errors = checkServerRules({ written: object }).filter(({ severity }) => severity !== 'warning');
    expect({ server: answer.status < 300, rules: errors.length === 0 }).toEqual({ server: isTaken, rules: isTaken });
  });
});
