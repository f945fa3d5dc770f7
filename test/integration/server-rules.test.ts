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

const cronJob = (schedule: string): string =>
  `{ apiVersion: batch/v1, kind: CronJob, metadata: { name: web }, spec: { schedule: ${JSON.stringify(schedule)}, jobTemplate: { spec: { template: ` +
  '{ spec: { restartPolicy: Never, containers: [{ name: web, image: web }] } } } } } }';
const ingress = (rule: string, path: string): string =>
  `{ apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: web }, spec: { rules: [{ ${rule === '' ? '' : `${rule}, `}http: ` +
  `{ paths: [{ ${path}, backend: { service: { name: web, port: { number: 80 } } } }] } }] } }`;
const budget = (spec: string): string =>
  `{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: web }, spec: { selector: { matchLabels: { app: web } }, ${spec} } }`;

const PATHS: Readonly<Record<string, string>> = {
  Service: '/api/v1/namespaces/default/services/web',
  Deployment: '/apis/apps/v1/namespaces/default/deployments/web',
  CronJob: '/apis/batch/v1/namespaces/default/cronjobs/web',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/default/ingresses/web',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/default/poddisruptionbudgets/web',
};

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
  ['two ways of a probe', false, workload({ container: ', livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } }' })],
  ['a probe without a way', false, workload({ container: ', livenessProbe: { periodSeconds: 5 }' })],
  ['a hook with a command', true, workload({ container: ', lifecycle: { preStop: { exec: { command: [a] } } }' })],
  ['a hook that sleeps', true, workload({ container: ', lifecycle: { preStop: { sleep: { seconds: 5 } } }' })],
  ...['*/5 * * * *', '0 3 1,15 JAN-mar mon-5', '? 0-23/2 * * 0', '@every 1h30m', '@daily', ' 0 0 * * * '].map(
    (schedule) => [`the schedule ${schedule}`, true, cronJob(schedule)] as const,
  ),
  ...[
    '* * * *',
    '60 * * * *',
    '* * * * 7',
    '*/0 * * * *',
    '5-1 * * * *',
    '@often',
    '* * * * * *',
    'a * * * *',
    'TZ=UTC 0 0 * * *',
    '1- * * * *',
  ].map((schedule) => [`the schedule ${schedule}`, false, cronJob(schedule)] as const),
  ['a rule', true, ingress('host: "*.example.com"', 'path: /api, pathType: Prefix')],
  ['a rule without a path', true, ingress('', 'pathType: ImplementationSpecific')],
  ['a URL as host', false, ingress('host: "https://a.example.com"', 'path: /, pathType: Prefix')],
  ['an address as host', false, ingress('host: 10.0.0.1', 'path: /, pathType: Prefix')],
  ['a host with a port', false, ingress('host: "a.example.com:80"', 'path: /, pathType: Prefix')],
  ['a path without a slash', false, ingress('', 'path: api, pathType: Prefix')],
  ['a free path without a slash', false, ingress('', 'path: api, pathType: ImplementationSpecific')],
  ['both bounds of a budget', false, budget('minAvailable: 1, maxUnavailable: 1')],
  ['one bound of a budget', true, budget('maxUnavailable: 1')],
  ['a selector', false, service('selector: { a: "b c" }, ports: [{ port: 80 }]')],
];

describe.skipIf(inject('stack') === undefined)('the rules of the API server that no schema holds', () => {
  it.each(CASES)('say of %s what the API server says', async (_, isTaken, text) => {
    const object = load(text) as JsonObject;
    const path = `${PATHS[String(object['kind'])]}?fieldManager=test&fieldValidation=Strict&dryRun=All`;
    const answer = await kubeFetch(stack, { method: 'PATCH', path, body: object, contentType: patchTypes.apply });
    const errors = checkServerRules({ written: object }).filter(({ severity }) => severity !== 'warning');
    expect({ server: answer.status < 300, rules: errors.length === 0 }).toEqual({ server: isTaken, rules: isTaken });
  });
});
