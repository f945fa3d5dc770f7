import { describe, expect, it } from 'vitest';
import { CONSUL_RIGHTS } from '../../../../src/core/model/consul-right.ts';
import { consulPolicy, ruleText } from '../../../../src/core/rights/consul-policy.ts';
import { consulRules } from '../../../../src/core/rights/consul-rules.ts';
import { policyRules, readDeploy } from '../../../support/deploy-files.ts';

const PROD = { cluster: 'prod', keyPath: 'kubernetes', nodePrefix: 'k8s-' };
const heads = (text: string): readonly string[] => policyRules(text).map(({ head }) => head);

describe('the ACL policy of a daemon', () => {
  it('is for the default configuration the one under deploy/', () => {
    expect(consulPolicy(PROD)).toBe(readDeploy('consul', 'policy.hcl'));
  });

  it('follows cluster, key path and node prefix', () => {
    expect(heads(consulPolicy({ cluster: 'C1', keyPath: 'apps/pools', nodePrefix: 'pk-' }))).toEqual([
      'node_prefix ""',
      'node_prefix "pk-c1-"',
      'service_prefix ""',
      'key_prefix "apps/pools/deployments/"',
      'key_prefix "apps/pools/specifications/"',
      'key_prefix "apps/pools/.poolkeeper/C1/"',
      'session_prefix ""',
      'agent_prefix ""',
    ]);
  });

  it('names known services, each once, with our own, and lets all others be read', () => {
    const rules = consulRules({ ...PROD, services: ['web', 'api', 'web'] }).filter(({ right }) => right === 'services');
    expect(rules.map(ruleText)).toEqual([
      'service_prefix "" { policy = "read" }',
      'service "api" { policy = "write" }',
      'service "poolkeeper-prod" { policy = "write" }',
      'service "web" { policy = "write" }',
    ]);
    expect(heads(consulPolicy({ ...PROD, services: [] }))).toContain('service "poolkeeper-prod"');
  });

  it('asks for no right to a history that is not kept', () => {
    const all = heads(consulPolicy(PROD));
    expect(heads(consulPolicy({ ...PROD, history: true }))).toEqual(all);
    const fewer = heads(consulPolicy({ ...PROD, history: false }));
    expect(all.filter((head) => !fewer.includes(head))).toEqual(['key_prefix "kubernetes/specifications/"']);
  });

  it('holds a rule for every right', () => {
    expect([...new Set(consulRules(PROD).map(({ right }) => right))].sort()).toEqual([...CONSUL_RIGHTS].sort());
  });

  it('puts nodes and agents into the partition, and all else into the namespace of Consul Enterprise', () => {
    const bare = (text: string): string => text.replace(/^\s*#.*\n/gm, '').replace(/\n+/g, '\n');
    const outline = bare(consulPolicy({ ...PROD, partition: 'p', namespace: 'n' }));
    const [ofPartition = '', ofNamespace = ''] = outline.split('  namespace "n" {\n');
    expect(outline.startsWith('\npartition "p" {\n  node_prefix "" {\n    policy = "read"\n  }\n')).toBe(true);
    expect([...ofPartition.matchAll(/^ {2}(\w+ ".*") \{$/gm)].map(([, head]) => head)).toEqual([
      'node_prefix ""',
      'node_prefix "k8s-prod-"',
      'agent_prefix ""',
    ]);
    expect([...ofNamespace.matchAll(/^ {4}(\w+) "/gm)].map(([, resource]) => resource)).toEqual([
      'service_prefix',
      'key_prefix',
      'key_prefix',
      'key_prefix',
      'session_prefix',
    ]);
    expect(ofNamespace.endsWith('    }\n  }\n}\n')).toBe(true);
  });
});
