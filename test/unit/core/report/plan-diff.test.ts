import { describe, expect, it } from 'vitest';
import { contentOf } from '../../../../src/core/model/object-content.ts';
import type { FieldsV1, JsonObject, KubernetesObject, LiveObject } from '../../../../src/core/model/objects.ts';
import type { World } from '../../../../src/core/model/world.ts';
import type { DiffLine } from '../../../../src/core/report/diff-line.ts';
import { diffObject, namedFields } from '../../../../src/core/report/diff-object.ts';
import { pendingChanges } from '../../../../src/core/report/pending-changes.ts';
import type { PlannedChange } from '../../../../src/core/report/plan-diff.ts';
import { complete, deployment, endpoints, fieldsOf, liveOf, node, service, spec, specSet, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

/** `~ path: before → after` and the like. */
const short = ({ what, op, before, after }: DiffLine): string =>
  `${{ add: '+', remove: '-', change: '~' }[op]} ${what} ${[before, after]
    .filter((value) => value !== undefined)
    .map((value) => JSON.stringify(value))
    .join(' → ')}`.trim();

/** The live object that `applied` and defaults of the server have become. */
const live = (applied: KubernetesObject, defaults: (content: JsonObject) => JsonObject = (content) => content): LiveObject =>
  liveOf(applied, {
    content: defaults(contentOf({ ...applied, metadata: { ...applied.metadata, uid: liveOf(applied).uid } } as JsonObject)),
    ourFields: fieldsOf(applied),
  });
const lines = (sent: KubernetesObject, was: LiveObject | undefined): readonly string[] => diffObject(sent, was).map(short);

const config = (data: Readonly<Record<string, string>>, meta: object = {}): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', ...meta } },
  data,
});

describe('diffObject', () => {
  it('tells the fields that come, change and go', () => {
    expect(lines(config({ a: '1', b: '3', 'c.d': 'x' }), live(config({ b: '2', old: '9' })))).toEqual([
      '+ data.a "1"',
      '~ data.b "2" → "3"',
      '+ data[c.d] "x"',
      '- data.old "9"',
    ]);
  });

  it('passes over defaults, the fields of others, and our marks', () => {
    const sent = deployment('web');
    const was = live(sent, (content) => ({ ...content, spec: { ...(content['spec'] as JsonObject), progressDeadlineSeconds: 600 } }));
    expect(lines({ ...sent, metadata: { ...sent.metadata, annotations: { 'poolkeeper.dev/hash': 'new' } } }, was)).toEqual([]);
  });

  const pod = (image: string, containers: readonly object[] = []): KubernetesObject => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'default' } },
    spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }, ...containers] },
  });
  const CONTAINER: FieldsV1 = {
    '.': {},
    'f:name': {},
    'f:image': {},
    'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { 'f:containerPort': {} } },
  };
  const podFields: FieldsV1 = { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': CONTAINER, 'k:{"name":"old"}': { 'f:image': {} } } } };

  it('knows the items of lists by their keys', () => {
    const was: LiveObject = {
      ...live(
        pod('web:1', [
          { name: 'injected', image: 'mesh' },
          { name: 'old', image: 'x' },
        ]),
      ),
      ourFields: podFields,
    };
    expect(lines(pod('web:2', [{ name: 'new', image: 'n' }]), was)).toEqual([
      '~ spec.containers[web].image "web:1" → "web:2"',
      '+ spec.containers[new].name "new"',
      '+ spec.containers[new].image "n"',
      '- spec.containers[old] {"name":"old","image":"x"}',
    ]);
  });

  it('takes quantities that the server writes otherwise for the same, but no other texts', () => {
    const limited = (cpu: string, note: string): KubernetesObject => ({ ...config({ note }), spec: { limits: { cpu } } });
    expect(lines(limited('1000m', '1.0'), live(limited('1', '1')))).toEqual(['~ data.note "1" → "1.0"']);
    expect(lines(limited('500m', '1'), live(limited('1', '1')))).toEqual(['~ spec.limits.cpu "1" → "500m"']);
  });

  it('tells that a value of a Secret changes, and never which it is', () => {
    const secret = (data: Readonly<Record<string, string>>): KubernetesObject => ({ ...config(data), kind: 'Secret' });
    const was = live(secret({ same: 'aGk=', other: 'b25l', gone: 'Yg==' }));
    expect(JSON.stringify(was.content)).not.toMatch(/aGk=|b25l/);
    const found = diffObject(secret({ same: 'aGk=', other: 'dHdv' }), was);
    expect(found.map(short)).toEqual(['~ data.other "(secret)" → "(secret)"', '- data.gone "(secret)"']);
    expect(JSON.stringify(diffObject(secret({ a: 'aGk=' }), undefined))).not.toContain('aGk=');
  });

  it('tells that an annotation changes which holds passwords, and never which they are', () => {
    const annotated = (users: string): KubernetesObject =>
      config(
        {},
        {
          annotations: {
            'traefik.frontend.auth.basic': users,
            'poolkeeper.dev/tags': `a=1\ntraefik.http.middlewares.m.basicauth.users=${users}`,
          },
        },
      );
    const told = lines(annotated('bob:new'), live(annotated('bob:old')));
    expect(told).toHaveLength(2);
    expect(told.join('\n')).toContain('a=1');
    expect(told.join('\n')).not.toMatch(/bob|old|new/);
  });

  it('tells every field of what is not there, and nothing where nobody knows what is', () => {
    expect(lines(config({ a: '1' }, { labels: { app: 'a' } }), undefined)).toEqual(['+ metadata.labels.app "a"', '+ data.a "1"']);
    expect(lines(config({ a: '1' }), liveOf(config({ a: '2' })))).toEqual([]);
  });
});

describe('namedFields', () => {
  const sent: KubernetesObject = {
    ...config({ 'a.b': '1' }, { annotations: { 'traefik.frontend.auth.basic': 'bob:hash', 'poolkeeper.dev/hash': 'x' } }),
    spec: {
      containers: [
        {
          name: 'web',
          env: [
            { name: 'API_TOKEN', value: 'open sesame' },
            { name: 'LEVEL', value: 'info' },
          ],
        },
      ],
    },
  };

  it('tells what the fields become that a plan names, and never what lets somebody in', () => {
    const paths = [
      'data.a.b',
      'spec.containers[0].env[1].value',
      'spec.containers[0].env[0].value',
      'metadata.annotations.traefik.frontend.auth.basic',
    ];
    expect(namedFields(sent, paths).map(short)).toEqual([
      '~ data[a.b] "1"',
      '~ spec.containers[web].env[LEVEL].value "info"',
      '~ spec.containers[web].env[API_TOKEN].value "[redacted]"',
      '~ metadata.annotations[traefik.frontend.auth.basic] "[redacted]"',
    ]);
    expect(JSON.stringify(namedFields(sent, ['spec', 'metadata.annotations']))).not.toMatch(/sesame|bob/);
    expect(namedFields({ ...sent, kind: 'Secret' }, ['data.a.b']).map(short)).toEqual(['~ data[a.b] "(secret)"']);
  });

  it('hides what a ConfigMap or an argument is called like a secret', () => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web' }, data: { DB_PASSWORD: 'sesame', LEVEL: 'info' } };
    expect(namedFields(config, ['data.DB_PASSWORD', 'data.LEVEL']).map(short)).toEqual([
      '~ data.DB_PASSWORD "[redacted]"',
      '~ data.LEVEL "info"',
    ]);
    const args = ['--password=sesame', '--db-token=sesame', '--level=info', 'a --api-key=sesame b'];
    const worker = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ name: 'web', args }] } };
    const told = JSON.stringify([namedFields(worker, ['spec']), namedFields(config, ['data'])]);
    expect(told).not.toContain('sesame');
    expect(told).toContain('--level=info');
  });

  it('passes over our marks, and words that are no fields', () => {
    expect(namedFields(sent, ['metadata.annotations.poolkeeper.dev/hash', 'content', 'spec.containers[7].image'])).toEqual([]);
  });
});

type ServiceParts = NonNullable<Parameters<typeof service>[1]>;
const specs = (parts: ServiceParts = {}) => complete(specSet([spec('web.json', deployment('web'), service('web', parts))]));
const start = (parts: ServiceParts = {}): World => world({ specs: specs(parts), endpoints: [endpoints('default/web')] });
const ROUTE = { 'traefik.enable': 'true', 'traefik.http.routers.web.rule': 'Host(`a.example.com`)' };

const diffOf = (one: World): readonly PlannedChange[] => {
  const { context, guarded, nodes } = planWorld(one);
  return pendingChanges([...guarded.plans.map((plan) => ({ spec: plan.spec, actions: plan.actions, plan })), { actions: nodes }], {
    context,
    report: { specs: [] },
  });
};
const found = (changes: readonly PlannedChange[], leg: PlannedChange['leg'], op: string): readonly string[] =>
  changes.filter((change) => change.leg === leg && change.op === op).flatMap((change) => change.lines.map(short));

describe('planDiff', () => {
  it('tells the backends of a pool that changes', () => {
    const { world: base } = settle(start());
    const nodes = [node('n1'), node('n2', { addresses: [{ type: 'InternalIP', address: '10.0.0.9' }] }), node('n4')];
    const changed = diffOf({ ...base, cluster: { ...base.cluster, nodes: complete(nodes) } });
    expect(found(changed, 'consul', 'register-pool')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^~ backend n2 "10\.0\.0\.2:\d+" → "10\.0\.0\.9:\d+"$/),
        expect.stringMatching(/^\+ backend n4 "10\.0\.0\.4:\d+"$/),
      ]),
    );
    expect(found(changed, 'consul', 'register-pool').filter((line) => line.includes('backend n1'))).toEqual([]);
  });

  it('tells the tags and keys of a pool, and the routers in Traefik', () => {
    const { world: base } = settle(start({ annotations: ROUTE }));
    const rule = { ...ROUTE, 'traefik.http.routers.web.rule': 'Host(`b.example.com`)' };
    const changed = diffOf({ ...base, specs: specs({ annotations: rule }) });
    expect(found(changed, 'consul', 'register-pool')).toEqual(
      expect.arrayContaining([
        '- tag "traefik.http.routers.web.rule=Host(`a.example.com`)"',
        '+ tag "traefik.http.routers.web.rule=Host(`b.example.com`)"',
        '~ key kubernetes/deployments/default/web: metadata.annotations[traefik.http.routers.web.rule] "Host(`a.example.com`)" → "Host(`b.example.com`)"',
      ]),
    );
    expect(found(changed, 'traefik', 'route')).toEqual(['~ router web "Host(`a.example.com`)" → "Host(`b.example.com`)"']);
  });

  it('tells everything of a pool that leaves', () => {
    const other = spec('other.json', deployment('other'), service('other'));
    const web = spec('web.json', deployment('web'), service('web', { annotations: ROUTE }));
    const parts = { endpoints: [endpoints('default/web'), endpoints('default/other')] };
    const { world: base } = settle(world({ ...parts, specs: complete(specSet([other, web])) }));
    const gone = { ...base, specs: complete(specSet([other])) };
    const changed = diffOf(gone);
    expect(found(changed, 'consul', 'deregister-pool').filter((line) => line.startsWith('- backend'))).toHaveLength(3);
    expect(found(changed, 'traefik', 'route')).toEqual(['- router web "Host(`a.example.com`)"']);
  });

  it('passes over checks whose notes alone change', () => {
    const { world: base } = settle(start({ annotations: ROUTE }));
    const rule = { ...ROUTE, 'traefik.http.routers.web.rule': 'Host(`b.example.com`)' };
    const next = { ...base, specs: specs({ annotations: rule }) };
    const checks = planWorld(next).actions.flatMap((action) => (action.kind === 'register-pool' ? action.checks : []));
    expect(checks.map(({ status }) => status)).toContain('passing');
    const changed = diffOf(next);
    expect(changed.flatMap(({ lines: all }) => all).filter(({ op, before, after }) => op === 'change' && before === after)).toEqual([]);
  });

  it('has nothing to tell where nothing is to be done', () => {
    expect(diffOf(settle(start()).world)).toEqual([]);
  });
});
