import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOf, NEEDED_PARTS, NEW_SPEC_PARTS, type NewSpecPart } from '../../../../src/core/write-spec/check-new-spec.ts';
import { newSpec } from '../../../../src/core/write-spec/new-spec.ts';
import { writeDocuments } from '../../../../src/core/write-spec/write-documents.ts';
import { decode } from '../spec/decode.ts';

describe('faultOf', () => {
  const RIGHT: Readonly<Record<NewSpecPart, readonly string[]>> = {
    name: ['web', 'a', 'web-2', 'a'.repeat(63)],
    image: [
      'web',
      'web:1',
      'nginx:1.27-alpine',
      'registry.example.com/shop/web_2:V1.2',
      'localhost:5000/web',
      'Registry.example.com/web',
      `ghcr.io/a/b@sha256:${'0'.repeat(64)}`,
      '[::1]:5000/web',
    ],
    port: ['1', '8080', '65535'],
    host: ['web.example.com', 'localhost', 'WEB.example.com', '10.0.0.1', 'xn--bcher-kva.example'],
    namespace: ['shop', '1a'],
    replicas: ['0', '10000'],
  };

  it.each(NEW_SPEC_PARTS.flatMap((part) => RIGHT[part].map((answer) => [part, answer] as const)))('takes the %s %s', (part, answer) => {
    expect(faultOf(part, answer)).toBeUndefined();
  });

  it.each<[NewSpecPart, string, string]>([
    ['name', '', 'lower case letters'],
    ['name', 'Web', 'lower case letters'],
    ['name', '1web', 'a letter first'],
    ['name', 'web-', 'no "-" last'],
    ['name', 'a'.repeat(64), 'at most 63'],
    ['image', '', 'an image like registry.example.com/web:1.2'],
    ['image', 'web 1', 'an image like'],
    ['image', 'registry.example.com/Web:1', 'its path in lower case'],
    ['image', 'https://registry.example.com/web', 'without https://'],
    ['image', 'web:', 'an image like'],
    ['image', 'web@sha256:12', 'an image like'],
    ['port', '0', 'a whole number from 1 to 65535'],
    ['port', '65536', 'a whole number from 1 to 65535'],
    ['port', '80.5', 'a whole number'],
    ['host', '`a`', 'the name of a host like web.example.com'],
    ['host', 'a b', 'the name of a host'],
    ['host', 'web.example.com:8080', 'without https://, port and path'],
    ['host', 'https://web.example.com', 'without https://, port and path'],
    ['host', '*.example.com', 'HostRegexp'],
    ['host', 'web..example.com', 'the name of a host'],
    ['namespace', 'Shop', 'lower case'],
    ['replicas', '-1', 'a whole number from 0 to 10000'],
  ])('refuses the %s %j', (part, answer, text) => {
    expect(faultOf(part, answer)).toContain(text);
  });

  it('asks for the name first, and for what is needed before the rest', () => {
    expect(NEW_SPEC_PARTS.slice(0, NEEDED_PARTS.size)).toEqual([...NEEDED_PARTS]);
    expect(NEW_SPEC_PARTS[0]).toBe('name');
  });

  it('lets nothing pass that does not decode', () => {
    const answer = (pattern: RegExp, part: NewSpecPart) => fc.stringMatching(pattern).filter((text) => faultOf(part, text) === undefined);
    const name = fc.oneof(answer(/^[a-z0-9-]{1,20}$/, 'name'), answer(/^[a-z][a-z-]{36,63}$/, 'name'));
    fc.assert(
      fc.property(name, answer(/^[a-z0-9./:_-]{1,30}$/, 'image'), answer(/^[A-Za-z0-9.`"-]{1,30}$/, 'host'), (name, image, host) => {
        const made = newSpec({ name, namespace: undefined, image, port: 80, host, replicas: 1 });
        expect(decode('web.yaml', new TextEncoder().encode(writeDocuments(made, 'yaml')))).toMatchObject({ kind: 'spec', notes: [] });
      }),
    );
  });
});
