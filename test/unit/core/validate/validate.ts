import { createSchemaCheck, unpackKubernetesSchema } from '../../../../src/adapters/schema/kubernetes-schema.ts';
import type { Policy } from '../../../../src/core/model/policy.ts';
import type { ValidationRules } from '../../../../src/core/validate/validate-specs.ts';
import { validateSpecs } from '../../../../src/core/validate/validate-specs.ts';
import { POLICY } from '../../../support/builders.ts';
import { OPTIONS, specFile } from '../spec/decode.ts';

const schema = createSchemaCheck(unpackKubernetesSchema());

export const rulesWith = ({
  policy,
  ...more
}: Partial<Omit<ValidationRules, 'policy'>> & { policy?: Partial<Policy> } = {}): ValidationRules => ({
  decode: OPTIONS,
  schema,
  policy: { ...POLICY, dialect: 'both', ...policy },
  isWhole: false,
  ...more,
});

/** `file:line:column severity code: message. Remedy` of all that is wrong with some files. */
export function findings(files: Readonly<Record<string, string>>, rules: ValidationRules = rulesWith()): readonly string[] {
  const { problems } = validateSpecs(
    Object.entries(files).map(([path, text]) => specFile(path, text)),
    rules,
  );
  return problems.map(
    ({ where, severity, code, message, remedy }) =>
      `${where?.file}:${where?.line}:${where?.column} ${severity} ${code}: ${message}. ${remedy}`,
  );
}

/** A Deployment of two lines less than the file; its only container has the port `http 8080`. */
export const deployment = (name: string, container = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: ${name}
          image: registry.example.com/${name}:1
          ports: [{ name: http, containerPort: 8080 }]
${container}`;

/** A NodePort Service in front of it; each annotation is a line without its indentation. */
export const service = (name: string, annotations: readonly string[] = [], targetPort = 'http'): string => `---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  annotations:
${['example.com/any: text', ...annotations].map((line) => `    ${line}\n`).join('')}spec:
  type: NodePort
  selector: { app: ${name} }
  ports: [{ port: 80, targetPort: ${targetPort} }]
`;
