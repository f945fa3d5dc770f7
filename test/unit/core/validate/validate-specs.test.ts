import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateSpecs } from '../../../../src/core/validate/validate-specs.ts';
import { specFile } from '../spec/decode.ts';
import { deployment, findings, rulesWith, service } from './validate.ts';

const WHOLE = rulesWith({ isWhole: true });

describe('validateSpecs', () => {
  it('tells five different mistakes of one file in one run, each with its line and its remedy', () => {
    const annotations = [
      'poolkeeper.dev/min-backends: few',
      'poolkeeper.dev/tags: |',
      '  traefik.http.routers.web.rule=Host(`a.example.com`',
      '  traefik.http.routers.web.entrypointss=web',
    ];
    const text = deployment('web', '          imagePullPolicyy: Always\n') + service('web', annotations, 'htp');
    expect(findings({ 'web.yaml': text })).toEqual([
      'web.yaml:13:11 error SPEC_UNKNOWN_FIELD: Container has no field "imagePullPolicyy". Did you mean "imagePullPolicy"?',
      'web.yaml:21:34 error SPEC_BAD_ANNOTATION: poolkeeper.dev/min-backends must be a whole number from 0; it is "few". Correct the annotation as the message says.',
      'web.yaml:23:57 error TAG_INVALID: the rule of the router web cannot be read, at its character 21: expected ) or , before the end of the rule. Correct the rule at this place; matchers such as Host(`a.example.com`) are joined by &&, || and !.',
      'web.yaml:24:7 error TAG_INVALID: the tag traefik.http.routers.web.entrypointss names "entrypointss", which does not exist there; Traefik 3 leaves out the whole Consul service. Did you mean "entrypoints"?',
      'web.yaml:28:35 error SPEC_TARGET_PORT_MISSING: no container that Service default/web selects has the TCP port htp; they have http 8080. Write the port in `ports` of the container, or correct the targetPort.',
    ]);
  });

  it('finds nothing wrong with what is right', () => {
    const rule = ['traefik.frontend.rule: Host:a.example.com'];
    expect(findings({ 'web.yaml': deployment('web') + service('web', rule) }, WHOLE)).toEqual([]);
  });

  it.each(['specs-example/', 'test/unit/core/spec/fixtures/'])('takes every file of %s', (folder) => {
    const url = new URL(`../../../../${folder}`, import.meta.url);
    const names = readdirSync(url).filter((name) => /\.(?:json|ya?ml)$/.test(name));
    const files = names.map((name) => specFile(name, readFileSync(new URL(name, url))));
    expect(files.length).toBeGreaterThan(0);
    const { problems } = validateSpecs(files, WHOLE);
    expect(problems.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });

  it('tells once what decoding and the schema both find', () => {
    expect(findings({ 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { port: 80 }\nbinary: 1\n' })).toEqual([
      'a.yaml:4:15 error SPEC_INVALID_FIELD: the value must be a string, not a number. Put the value in quotes.',
      expect.stringMatching(/^a\.yaml:5:1 error SPEC_UNKNOWN_FIELD: a ConfigMap has no field "binary"\. /),
    ]);
  });

  it('looks at what a broken file holds, too, and points into files of several documents', () => {
    const broken = `${deployment('web', '          imag: x\n')}${service('web', [], '81')}`;
    expect(findings({ 'web.yaml': broken }).map((line) => line.split(': ')[0])).toEqual([
      'web.yaml:13:11 error SPEC_UNKNOWN_FIELD',
      'web.yaml:24:35 warning SPEC_TARGET_PORT_MISSING',
    ]);
  });

  it('never throws, whatever stands in a file, and always tells a place', () => {
    const word = fc.constantFrom('v1', 'apps/v1', 'Service', 'Deployment', 'NodePort', 'a', '7', '', 'traefik.http.routers.a.rule', 'true');
    const key = fc.oneof(
      fc.constantFrom(
        'name',
        'labels',
        'annotations',
        'ports',
        'template',
        'spec',
        'selector',
        'containers',
        'type',
        'metadata',
        'targetPort',
      ),
      fc.constantFrom(
        'poolkeeper.dev/tags',
        'poolkeeper.dev/depends-on',
        'traefik.frontend.rule',
        'traefik.http.routers.a.rule',
        'namespace',
      ),
      fc.string(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null), fc.string()),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 5 }),
      ),
    }));
    const object = fc.record({
      apiVersion: fc.constantFrom('v1', 'apps/v1', 'apps/v1beta1', 'batch/v1'),
      kind: fc.constantFrom('Service', 'Deployment', 'Namespace', 'CronJob', 'Secret', 'Pod'),
      metadata: fc.record({ name: word, annotations: value, labels: value, namespace: value }, { requiredKeys: ['name'] }),
      spec: fc.oneof(fc.dictionary(key, value), fc.record({ type: fc.constant('NodePort'), selector: value, ports: value }), value),
    });
    fc.assert(
      fc.property(fc.array(object, { maxLength: 3 }), (objects) => {
        const { problems } = validateSpecs([specFile('a.json', JSON.stringify(objects))], WHOLE);
        for (const { where, message, remedy } of problems) {
          expect(where).toMatchObject({ file: 'a.json', line: 1 });
          expect(message).not.toBe('');
          expect(remedy).not.toBe('');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('rules across files', () => {
  it('tells the later of two files with one object, and of two Services with one Consul service', () => {
    const second = service('web2', ['poolkeeper.dev/service-name: web']);
    expect(
      findings({ 'a.yaml': deployment('web') + service('web'), 'b.yaml': `${deployment('web')}---\n${deployment('web2')}${second}` }),
    ).toEqual([
      'b.yaml:1:1 error SPEC_OBJECT_CONFLICT: a.yaml:1 and b.yaml:1 both hold Deployment default/web; while a.yaml has it, nothing of b.yaml would be applied. Remove the object from one of the specs, or rename it.',
      'b.yaml:33:34 error SPEC_NAME_CONFLICT: a.yaml:17 and b.yaml:33 both take the Consul service web, for Service default/web and Service default/web2; the latter would not be registered. Give one of the Services another Consul name by the annotation poolkeeper.dev/service-name.',
    ]);
  });

  it('warns once of a namespace that no file makes, unless the daemon makes it or only some files are known', () => {
    const inShop = deployment('web').replace('{ name: web }', '{ name: web, namespace: shop }');
    expect(findings({ 'a.yaml': inShop }, WHOLE)).toEqual([
      'a.yaml:3:35 warning SPEC_NAMESPACE_UNKNOWN: the namespace shop is in no file. Commit a Namespace object, set `kubernetes.createNamespaces`, or correct the name.',
    ]);
    expect(findings({ 'a.yaml': inShop })).toEqual([]);
    expect(findings({ 'a.yaml': inShop, 'n.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n' }, WHOLE)).toEqual([]);
    expect(findings({ 'a.yaml': inShop }, rulesWith({ isWhole: true, policy: { createNamespaces: true } }))).toEqual([]);
  });

  it('tells of files to depend on that do not exist, and of circles', () => {
    const depends = deployment('web').replace(
      '{ name: web }',
      '{ name: web, annotations: { poolkeeper.dev/depends-on: "specs/db.yaml" } }',
    );
    expect(findings({ 'specs/a.yaml': depends }, WHOLE)).toEqual([
      expect.stringMatching(/^specs\/a\.yaml:3:66 error SPEC_DEPENDENCY_MISSING: there is no spec file specs\/db\.yaml\. /),
    ]);
    expect(findings({ 'specs/a.yaml': depends, 'specs/db.yaml': deployment('db') }, WHOLE)).toEqual([]);
    const back = depends.replaceAll('web', 'db').replace('specs/db.yaml', 'specs/a.yaml');
    expect(findings({ 'specs/a.yaml': depends, 'specs/db.yaml': back }, WHOLE)).toEqual([
      expect.stringContaining('SPEC_DEPENDENCY_CYCLE: specs/a.yaml depends on itself: specs/a.yaml → specs/db.yaml → specs/a.yaml'),
      expect.stringContaining('SPEC_DEPENDENCY_CYCLE: specs/db.yaml depends on itself'),
    ]);
  });
});

describe('what every API server refuses, whatever its schema says', () => {
  const told = (text: string): readonly string[] => findings({ 'a.yaml': text }).map((finding) => finding.replace(/\. [A-Z].*$/, ''));
  const job = (spec: string): string =>
    `apiVersion: batch/v1\nkind: Job\nmetadata: { name: j }\nspec:\n  template: { spec: { ${spec}containers: [{ name: j, image: j:1 }] } }\n`;

  it('tells of ports that nothing tells apart', () => {
    const withPorts = (ports: string): string => deployment('web') + service('web').replace(/ports:.*/, `ports: ${ports}`);
    expect(told(withPorts('[{ port: 80, targetPort: http }, { name: b, port: 81, targetPort: http }]'))).toEqual([
      expect.stringMatching(/^a\.yaml:23:11 error SPEC_MISSING_FIELD: each port of a Service with several ports needs a name$/),
    ]);
    expect(told(withPorts('[{ name: a, port: 80, targetPort: http }, { name: a, port: 81, targetPort: http }]'))).toEqual([
      expect.stringMatching(/^a\.yaml:23:\d+ error SPEC_INVALID_FIELD: an earlier port has the same name$/),
    ]);
    expect(told(withPorts('[{ port: 80, targetPort: http }]'))).toEqual([]);
  });

  it('tells of a selector that does not fit its template, and of a container without an image', () => {
    expect(told(deployment('web').replace('labels: { app: web }', 'labels: { app: wep }'))).toEqual([
      'a.yaml:5:28 error SPEC_INVALID_FIELD: the selector does not fit the labels of the pod template: app',
    ]);
    expect(told(deployment('web').replace(/ *image:.*\n/, ''))).toEqual([
      expect.stringMatching(/^a\.yaml:\d+:\d+ error SPEC_MISSING_FIELD: the container needs an image$/),
    ]);
  });

  it('tells of a Job that would restart for ever, and of a Deployment that would not', () => {
    expect(told(job(''))).toEqual([expect.stringContaining('SPEC_MISSING_FIELD: the restartPolicy of a Job must be OnFailure or Never')]);
    expect(told(job('restartPolicy: Always, '))).toEqual([expect.stringContaining('SPEC_INVALID_FIELD: the restartPolicy of a Job')]);
    expect(told(job('restartPolicy: Never, '))).toEqual([]);
    const never = deployment('web', '      restartPolicy: Never\n');
    expect(told(never)).toEqual([expect.stringContaining('SPEC_INVALID_FIELD: the restartPolicy of a Deployment must be Always')]);
  });
});

describe('what a Service asks of pods', () => {
  it('warns when no pods have its labels', () => {
    const text = deployment('web') + service('web').replace('{ app: web }', '{ app: wep }');
    expect(findings({ 'a.yaml': text })).toEqual([
      'a.yaml:22:13 warning SPEC_SELECTS_NOTHING: Service default/web selects no pods: no pod template has all of these labels; those of Deployment default/web are app=web. Give the pod template the labels that the selector asks for, or correct the selector.',
    ]);
  });

  it('says nothing of pods that other files may make, unless all files are known', () => {
    expect(findings({ 'a.yaml': service('web') })).toEqual([]);
    expect(findings({ 'a.yaml': service('web') }, WHOLE)).toHaveLength(1);
    expect(findings({ 'a.yaml': service('web'), 'b.yaml': deployment('web') }, WHOLE)).toEqual([]);
  });

  it('says nothing where an object of a custom kind may make the pods', () => {
    const custom = (kind: string, namespace = 'default'): string =>
      `---\napiVersion: example.com/v1\nkind: ${kind}\nmetadata: { name: web, namespace: ${namespace} }\nspec: {}\n`;
    const rollout = deployment('web').replace('apps/v1', 'argoproj.io/v1alpha1').replace('Deployment', 'Rollout');
    expect(findings({ 'a.yaml': rollout + service('web') }, WHOLE)).toEqual([]);
    expect(findings({ 'a.yaml': deployment('other') + service('web') + custom('Application') })).toEqual([]);
    expect(findings({ 'a.yaml': service('web'), 'b.yaml': custom('Application') }, WHOLE)).toEqual([]);
    expect(findings({ 'a.yaml': deployment('other') + service('web') })).toHaveLength(1);
    expect(findings({ 'a.yaml': service('web'), 'b.yaml': custom('Application', 'kube-system') }, WHOLE)).toHaveLength(1);
  });

  it('takes a number that no container writes only where they write others', () => {
    const silent = deployment('web').replace(/ {10}ports.*\n/, '');
    expect(findings({ 'a.yaml': silent + service('web', [], '9090') })).toEqual([]);
    expect(findings({ 'a.yaml': deployment('web') + service('web', [], '9090') })).toEqual([
      expect.stringMatching(/^a\.yaml:\d+:35 warning SPEC_TARGET_PORT_MISSING: /),
    ]);
  });
});

describe('the tags of a Service', () => {
  const tagged = (annotations: readonly string[], rules = rulesWith()): readonly string[] =>
    findings({ 'a.yaml': deployment('web') + service('web', annotations) }, rules);

  it.each([
    [
      'traefik.http.routers.a.priority: high',
      'error TAG_INVALID: the tag traefik.http.routers.a.priority cannot be read: "high" is no int',
    ],
    ['traefik.http.routers.a.prioritty: "1"', 'Did you mean "priority"?'],
    ['traefik.http.services.a.loadbalancer.helthcheck.path: /', 'Did you mean "healthcheck"?'],
    ['traefik.consulcatalog.conect: "true"', 'Did you mean "connect"?'],
    ['traefik.enable: maybe', 'error TAG_INVALID: Service default/web: the tag traefik.enable is not a boolean. Write true or false.'],
    ['traefik.frontend.rul: Host:a.example.com', 'Did you mean "traefik.frontend.rule"?'],
    ['traefik.frontend.rule: Hst:a.example.com', 'Traefik 1 has no function "Hst"'],
    ['traefik.backend.loadbalancer.stickyness: "true"', 'Did you mean "traefik.backend.loadbalancer.stickiness"?'],
  ])('points at %s', (annotation, words) => {
    // Beside it may be notes on the Service as a whole.
    const told = tagged([annotation]).filter((line) => line.startsWith('a.yaml:20:'));
    expect(told).toEqual([expect.stringContaining(words)]);
  });

  const FAULTS = ['traefik.frontend.rule: Hst:a.example.com', 'traefik.frontend.passTLSCert: "true"', 'traefik.backend.loadbalancer: drr'];
  const codesAt = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => line.replace(/^a\.yaml:(\d+):\d+ (\w+ \w+): .*$/, '$1 $2'));

  it('are all judged, whatever else is wrong with one of them', () => {
    expect(codesAt(tagged(['traefik.enable: maybe', ...FAULTS]))).toEqual([
      '20 error TAG_INVALID',
      '21 error TAG_NOT_TRANSLATED',
      '22 error TAG_NOT_TRANSLATED',
      '23 error TAG_NOT_TRANSLATED',
    ]);
    expect(codesAt(tagged(['traefik.http.routers.a.prioritty: "1"', 'traefik.frontend.rule: Hst:a.example.com']))).toEqual([
      '20 error TAG_INVALID',
      '21 error TAG_INVALID',
    ]);
  });

  it.each([
    ['type: nodeport', 'SPEC_INVALID_FIELD'],
    ['typ: NodePort', 'SPEC_UNKNOWN_FIELD'],
  ])('are judged beside the mistake %s', (type, code) => {
    const text = deployment('web') + service('web', FAULTS).replace('type: NodePort', type);
    expect(codesAt(findings({ 'a.yaml': text }))).toEqual([
      ...[20, 21, 22].map((line) => `${line} error TAG_NOT_TRANSLATED`),
      `24 error ${code}`,
    ]);
  });

  it.each(['type: ClusterIP', 'type: LoadBalancer', 'sessionAffinity: None'])('do not matter where there is no pool: %s', (type) => {
    expect(findings({ 'a.yaml': deployment('web') + service('web', FAULTS).replace('type: NodePort', type) })).toEqual([]);
  });

  it('are judged by what Traefik 1 reads where no other reads them', () => {
    const rules = rulesWith({ policy: { dialect: 'v1' } });
    expect(tagged(['traefik.http.routers.a.prioritty: "1"'], rules)).toEqual([]);
    expect(tagged(['traefik.frontend.rule: Hst:a.example.com'], rules)).toEqual([
      expect.stringMatching(
        /^a\.yaml:20:28 error TAG_INVALID: the tag traefik\.frontend\.rule is no rule: Traefik 1 has no function "Hst"\. Did you mean "Host"\?$/,
      ),
    ]);
  });

  it('must hold those that the configuration of Traefik asks for, or it would silently pass over the Service', () => {
    const rules = rulesWith({ policy: { routes: { constraints: 'Tag(`kubernetes`)' } } });
    const rule = 'traefik.frontend.rule: Host:a.example.com';
    expect(tagged([rule, 'traefik.tags: blue'], rules)).toEqual([
      'a.yaml:18:3 warning TAG_REQUIRED: its tags do not fit `traefik.catalog.constraints`, Tag(`kubernetes`): Traefik will not see this Service. Add the tag, in the annotation traefik.tags or in tags.',
    ]);
    expect(tagged([rule, 'traefik.tags: kubernetes, blue'], rules)).toEqual([]);
    expect(tagged([rule, 'traefik.enable: "false"'], rules)).toEqual([]);
    expect(tagged([], rules)).toEqual([]);
    const asked = rulesWith({ policy: { routes: { exposedByDefault: false } } });
    expect(tagged([rule], asked)).toEqual([
      expect.stringMatching(/TAG_REQUIRED: there is no tag traefik\.enable.*Write traefik\.enable: "true"\.$/),
    ]);
    expect(tagged([rule, 'traefik.enable: "true"'], asked)).toEqual([]);
  });
});
