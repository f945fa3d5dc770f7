import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/core/spec/read-settings.ts';
import { buildTags } from '../../../../src/core/tags/build-tags.ts';
import { decode, objectsOf, summary } from './decode.ts';

const FOLDER = new URL('../../../../specs-example/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => /\.(?:json|ya?ml)$/.test(name));
const ENTRY_POINTS = { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } };

describe('the example specs', () => {
  it('are there', () => {
    expect(FILES).toEqual(expect.arrayContaining(['api.yaml', 'echoserver.json', 'shop.yaml', 'web.yaml']));
  });

  it('hold the echoserver as it is, in the order of `spec fmt`', () => {
    const fixture = readFileSync(new URL('./fixtures/echoserver.json', import.meta.url), 'utf8');
    expect(JSON.parse(readFileSync(new URL('echoserver.json', FOLDER), 'utf8'))).toEqual(JSON.parse(fixture));
  });

  it.each(FILES)('%s decodes, and its tags raise no problem', (name) => {
    const objects = objectsOf(decode(name, readFileSync(new URL(name, FOLDER))));
    const services = objects.filter(({ kind }) => kind === 'Service');
    expect(services).toHaveLength(1);
    for (const { metadata } of services) {
      const annotations = metadata.annotations ?? {};
      const { settings, problems } = readSettings(annotations);
      const place = { namespace: metadata.namespace ?? '', name: metadata.name };
      const built = buildTags({ annotations, extraTags: settings.tags ?? [], ...place, dialect: 'both', entryPoints: ENTRY_POINTS });
      expect([...problems, ...built.problems]).toEqual([]);
      expect(built.tags.some((tag) => tag.startsWith('traefik.http.routers.'))).toBe(true);
      expect(built.tags).toContain('traefik.enable=true');
    }
  });

  it.each(FILES)('%s holds only kinds that the demo serves', (name) => {
    const kinds = objectsOf(decode(name, readFileSync(new URL(name, FOLDER)))).map(({ kind }) => kind);
    expect(kinds.filter((kind) => !['Namespace', 'Deployment', 'Service', 'ConfigMap'].includes(kind))).toEqual([]);
  });
});

describe('the examples of other forms', () => {
  const FORMS = new URL('forms/', FOLDER);
  const all = readdirSync(FORMS).map((name) => decode(name, readFileSync(new URL(name, FORMS))));

  it('cover every form, and every kind that a spec usually holds', () => {
    const examples = FILES.map((name) => decode(name, readFileSync(new URL(name, FOLDER))));
    const kinds = new Set([...examples, ...all].flatMap((decoded) => objectsOf(decoded).map(({ kind }) => kind)));
    const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'];
    const others = [
      'Service',
      'ConfigMap',
      'Secret',
      'Ingress',
      'HorizontalPodAutoscaler',
      'PodDisruptionBudget',
      'ServiceAccount',
      'Role',
    ];
    expect([...kinds]).toEqual(expect.arrayContaining([...workloads, ...others, 'Namespace', 'CustomResourceDefinition', 'Backup']));
    const services = new Set([...examples, ...all].map((decoded) => objectsOf(decoded).filter(({ kind }) => kind === 'Service').length));
    expect([...services].sort()).toEqual([0, 1, 2]);
  });

  it.each([
    ['hello.json', []],
    ['platform.json', []],
    [
      'storage.yaml',
      [
        '11:5 SPEC_PLAIN_SECRET items[0].stringData',
        '13:17 SPEC_OLD_API_VERSION items[1].apiVersion',
        '43:17 SPEC_OLD_API_VERSION items[2].apiVersion',
      ],
    ],
    ['batch.yaml', ['48:13 SPEC_OLD_API_VERSION apiVersion']],
    ['store.yaml', ['81:13 SPEC_OLD_API_VERSION apiVersion']],
  ])('%s decodes with a note on all that was read otherwise than it is written', (name, notes) => {
    const decoded = decode(name, readFileSync(new URL(name, FORMS)));
    expect(decoded.kind).toBe('spec');
    expect(summary(decoded)).toEqual(notes);
  });
});

describe('a Secret', () => {
  it.each(['data: { a: aGk= }', 'stringData: { a: b }'])('with %s is told, since it holds its values in plain text', (values) => {
    const [field] = values.split(':');
    expect(summary(decode('a.yaml', `apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n${values}\n`))).toEqual([
      `4:1 SPEC_PLAIN_SECRET ${field}`,
    ]);
  });

  it.each(['data: {}', 'type: Opaque'])('with %s is not', (values) => {
    expect(summary(decode('a.yaml', `apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n${values}\n`))).toEqual([]);
  });
});
