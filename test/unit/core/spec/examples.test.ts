import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/core/spec/read-settings.ts';
import { buildTags } from '../../../../src/core/tags/build-tags.ts';
import { decode, objectsOf } from './decode.ts';

const FOLDER = new URL('../../../../specs-example/', import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => /\.(?:json|ya?ml)$/.test(name));
const ENTRY_POINTS = { http: { name: 'web', tls: false }, https: { name: 'websecure', tls: true } };

describe('the example specs', () => {
  it('are there', () => {
    expect(FILES).toEqual(expect.arrayContaining(['api.yaml', 'echoserver.json', 'shop.yaml', 'web.yaml']));
  });

  it('hold the echoserver as it is', () => {
    const fixture = readFileSync(new URL('./fixtures/echoserver.json', import.meta.url));
    expect(readFileSync(new URL('echoserver.json', FOLDER)).equals(fixture)).toBe(true);
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
