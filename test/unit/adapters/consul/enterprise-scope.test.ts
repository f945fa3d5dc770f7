import { describe, expect, it } from 'vitest';
import { scopedOperation, scopeHeaders } from '../../../../src/adapters/consul/enterprise-scope.ts';

const scope = { namespace: 'n', partition: 'p' };

describe('the scope of Consul Enterprise', () => {
  it('is told in headers, where it is set', () => {
    expect(scopeHeaders(scope)).toEqual({ 'x-consul-namespace': 'n', 'x-consul-partition': 'p' });
    expect(scopeHeaders({ namespace: undefined })).toEqual({});
    expect(scopeHeaders()).toEqual({});
  });

  it('is told in every object of a transaction, and nodes have no namespace', () => {
    expect(scopedOperation({ KV: { Verb: 'cas', Key: 'k' } }, scope)).toEqual({
      KV: { Verb: 'cas', Key: 'k', Namespace: 'n', Partition: 'p' },
    });
    expect(scopedOperation({ Node: { Verb: 'cas', Node: { Node: 'x' } } }, scope)).toEqual({
      Node: { Verb: 'cas', Node: { Node: 'x', Partition: 'p' } },
    });
    expect(scopedOperation({ Service: { Verb: 'cas', Node: 'x', Service: { ID: 's' } } }, scope)).toEqual({
      Service: { Verb: 'cas', Node: 'x', Service: { ID: 's', Namespace: 'n', Partition: 'p' } },
    });
    expect(scopedOperation({ Check: { Verb: 'cas', Check: { CheckID: 'c' } } }, scope)).toEqual({
      Check: { Verb: 'cas', Check: { CheckID: 'c', Namespace: 'n', Partition: 'p' } },
    });
  });

  it('changes nothing where it is not set', () => {
    const operation = { Node: { Verb: 'cas', Node: { Node: 'x' } } };
    expect(scopedOperation(operation)).toEqual(operation);
  });
});
