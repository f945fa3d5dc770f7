import { describe, expect, it } from 'vitest';
import type { EndpointFacts } from '../../../../src/core/model/nodes.ts';
import type { HealthMode } from '../../../../src/core/model/settings.ts';
import type { Snapshot } from '../../../../src/core/model/snapshot.ts';
import type { Serving, ServingFacts } from '../../../../src/core/pool/pool-health.ts';
import { healthOfPool, servingOf } from '../../../../src/core/pool/pool-health.ts';
import { complete, endpoints, stale, unavailable } from '../../../support/builders.ts';

const facts = (ready: number, ports: readonly string[], terminatingPorts: readonly string[] = []): EndpointFacts => ({
  ...endpoints('default/web', ready, ports),
  ...(terminatingPorts.length === 0 ? {} : { terminatingPorts }),
});

describe('servingOf', () => {
  const none = complete<EndpointFacts | undefined>(facts(0, []));
  const cases: readonly (readonly [string, Snapshot<EndpointFacts | undefined>, Partial<ServingFacts>, Serving])[] = [
    ['a ready endpoint', complete(facts(1, ['http'])), {}, { kind: 'served' }],
    ['a ready endpoint of the unnamed port', complete(facts(1, [''])), { portName: '' }, { kind: 'served' }],
    ['one that terminates, and none that is ready', complete(facts(0, [], ['http'])), {}, { kind: 'served' }],
    [
      'one that terminates on another port',
      complete(facts(0, [], ['old'])),
      {},
      { kind: 'unknown', why: 'its endpoints serve another port' },
    ],
    ['no endpoint', none, {}, { kind: 'unserved' }],
    ['ready endpoints of another port', complete(facts(2, ['old'])), {}, { kind: 'unknown', why: 'its endpoints serve another port' }],
    ['no EndpointSlice at all', complete(undefined), {}, { kind: 'unknown', why: 'the Service has no EndpointSlice' }],
    ['a stale word of none', stale(facts(0, [])), {}, { kind: 'unknown', why: 'the EndpointSlices are stale' }],
    ['a stale word of some', stale(facts(2, ['http'])), {}, { kind: 'unknown', why: 'the EndpointSlices are stale' }],
    ['no word', unavailable(), {}, { kind: 'unknown', why: 'the EndpointSlices are unavailable' }],
    [
      'none while most nodes are NotReady at once',
      none,
      { inDoubt: true },
      { kind: 'unknown', why: 'most nodes are NotReady at once, which is not believed' },
    ],
    ['a ready endpoint while most nodes are NotReady at once', complete(facts(1, ['http'])), { inDoubt: true }, { kind: 'served' }],
  ];
  it.each(cases)('with %s', (_name, snapshot, more, expected) => {
    expect(servingOf({ endpoints: snapshot, portName: 'http', inDoubt: false, ...more })).toEqual(expected);
  });
});

describe('healthOfPool', () => {
  const served: Serving = { kind: 'served' };
  const unserved: Serving = { kind: 'unserved' };
  const unknown: Serving = { kind: 'unknown', why: 'nobody can tell' };
  it.each<readonly [HealthMode, Serving, boolean, boolean]>([
    ['endpoints', served, false, false],
    ['endpoints', served, true, false],
    ['endpoints', unserved, false, true],
    ['endpoints', unserved, true, true],
    ['endpoints', unknown, false, false],
    ['endpoints', unknown, true, true],
    ['node', unserved, false, false],
    ['node', unserved, true, false],
    ['esm', unserved, true, false],
  ])('%s, %j, was critical: %s → critical: %s', (mode, serving, was, critical) => {
    expect(healthOfPool(mode, serving, was)).toEqual({ mode, critical });
  });
});
