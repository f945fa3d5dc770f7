import { describe, expect, it } from 'vitest';
import { kvFlags } from '../../../../src/core/model/consul-names.ts';
import { kvKey } from '../../../../src/core/model/ids.ts';
import type { KvEntry } from '../../../../src/core/model/registration.ts';
import type { World } from '../../../../src/core/model/world.ts';
import { diffKeys } from '../../../../src/core/report/diff-keys.ts';
import type { DiffLine } from '../../../../src/core/report/diff-line.ts';
import { complete, EMPTY_REGISTRY, POLICY, world } from '../../../support/builders.ts';
import { planWorld } from '../../../support/model-world.ts';

const KEY = kvKey('kubernetes/deployments/prod/web');
const OURS = kvFlags(POLICY.owner, POLICY.cluster);

/** What writing `after` over `before` changes; both as text. */
function diff(before: string | undefined, after: string | undefined, more: Partial<KvEntry> = {}): readonly DiffLine[] {
  const entries: readonly KvEntry[] = before === undefined ? [] : [{ key: KEY, value: before, flags: OURS, modifyIndex: 7, ...more }];
  const base: World = world({});
  const registry = complete({ ...EMPTY_REGISTRY, kv: new Map(entries.map((entry) => [entry.key, entry])) });
  return diffKeys([{ key: KEY, value: after, modifyIndex: 7 }], planWorld({ ...base, registry }).context);
}
const json = (value: object): string => JSON.stringify(value);

describe('diffKeys', () => {
  it.each<readonly [string, string | undefined, string | undefined, readonly DiffLine[]]>([
    ['a new key', undefined, json({ a: 1 }), [{ what: `key ${KEY}`, op: 'add', after: { a: 1 } }]],
    ['a key that goes', json({ a: 1 }), undefined, [{ what: `key ${KEY}`, op: 'remove', before: { a: 1 } }]],
    ['a text', 'one', 'two', [{ what: `key ${KEY}`, op: 'change', before: 'one', after: 'two' }]],
    ['the same text', 'one', 'one', []],
    ['the same JSON in another order', '{"a":1,"b":2}', '{"b":2,"a":1}', []],
    [
      'fields of JSON',
      json({ a: { 'b.c': 1, d: [1] }, gone: true }),
      json({ a: { 'b.c': 2, d: [1, 2] }, come: null }),
      [
        { what: `key ${KEY}: a[b.c]`, op: 'change', before: 1, after: 2 },
        { what: `key ${KEY}: a.d`, op: 'change', before: [1], after: [1, 2] },
        { what: `key ${KEY}: gone`, op: 'remove', before: true },
        { what: `key ${KEY}: come`, op: 'add', after: null },
      ],
    ],
    [
      'items of a list',
      json({ ports: [{ name: 'http', nodePort: 30080 }] }),
      json({ ports: [{ name: 'http', nodePort: 30090 }] }),
      [{ what: `key ${KEY}: ports[http].nodePort`, op: 'change', before: 30080, after: 30090 }],
    ],
    [
      'JSON inside an annotation',
      json({ metadata: { annotations: { 'poolkeeper.dev/agents': json({ port: 1, tags: ['a'] }) } } }),
      json({ metadata: { annotations: { 'poolkeeper.dev/agents': json({ port: 2, tags: ['a'] }) } } }),
      [{ what: `key ${KEY}: metadata.annotations[poolkeeper.dev/agents].port`, op: 'change', before: 1, after: 2 }],
    ],
  ])('tells %s', (_, before, after, lines) => {
    expect(diff(before, after)).toEqual(lines);
  });

  it('does not repeat what somebody else wrote, nor what is not kept', () => {
    expect(diff('{"a":"theirs"}', '{"a":"ours"}', { flags: OURS + 1 })).toEqual([
      { what: `key ${KEY}`, op: 'change', after: { a: 'ours' } },
    ]);
    expect(diff('', 'two', { digest: 'x' })).toEqual([{ what: `key ${KEY}`, op: 'change', after: 'two' }]);
  });

  it('never tells what lets somebody in', () => {
    const value = (secret: string): string =>
      json({
        metadata: {
          annotations: {
            'traefik.frontend.auth.basic': `bob:${secret}`,
            'poolkeeper.dev/agents': json({ tags: [`traefik.http.middlewares.m.basicauth.users=bob:${secret}`] }),
          },
        },
        spec: {
          containers: [
            {
              env: [
                { name: 'DB_PASSWORD', value: secret },
                { name: 'URL', value: `amqp://bob:${secret}@mq` },
              ],
            },
          ],
        },
      });
    for (const lines of [diff(undefined, value('s3cr3t')), diff(value('s3cr3t'), undefined), diff(value('s3cr3t'), value('0th3r'))]) {
      expect(lines.length).toBeGreaterThan(0);
      expect(json(lines)).toContain('[redacted]');
      expect(json(lines)).not.toMatch(/s3cr3t|0th3r/);
    }
  });
});
