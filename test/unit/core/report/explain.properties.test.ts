import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replicaName } from '../../../../src/core/model/ids.ts';
import { snapshotValue } from '../../../../src/core/model/snapshot.ts';
import { explain } from '../../../../src/core/report/explain.ts';
import { firstCause, WHY_KINDS } from '../../../../src/core/report/explanation.ts';
import { node } from '../../../support/builders.ts';
import { answered, followingState, silent } from '../../../support/gateway-state.ts';
import { knownWorld } from '../../../support/known-world.ts';
import { planWorld } from '../../../support/model-world.ts';
import { fileOf } from '../../../support/simulated-app.ts';
import { Simulation, SOURCES } from '../../../support/simulation.ts';

const NAMES = ['a', 'b', 'c'];
const name = fc.constantFrom(...NAMES);
const app = fc.record({
  name,
  tag: fc.constantFrom('blue', 'green'),
  replicas: fc.constant(1),
  register: fc.boolean(),
  local: fc.boolean(),
});

/** One thing that happens to a site; what a number means is up to the thing. */
const happening = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), name, app: fc.oneof(app, fc.constantFrom('broken' as const, 'gone' as const)) }),
  fc.record({ kind: fc.constant('nodes' as const), ready: fc.boolean(), cordoned: fc.boolean(), number: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ kind: fc.constant('pods' as const), name, ready: fc.boolean() }),
  fc.record({
    kind: fc.constant('outage' as const),
    source: fc.constantFrom(...SOURCES),
    as: fc.constantFrom('stale' as const, 'unavailable' as const),
  }),
  fc.record({ kind: fc.constant('mend' as const), source: fc.constantFrom(...SOURCES) }),
  fc.record({ kind: fc.constant('run' as const), crashAfter: fc.constantFrom(0, 1, 2, 100, 100) }),
);

function happen(site: Simulation, event: typeof happening extends fc.Arbitrary<infer T> ? T : never): void {
  switch (event.kind) {
    case 'commit': {
      const { app: to } = event;
      site.change((files) => (to === 'gone' ? files.delete(fileOf(event.name)) : files.set(fileOf(event.name), to)));
      break;
    }
    case 'nodes':
      site.nodes = Array.from({ length: event.number }, (_, i) =>
        node(`n${i + 1}`, { ready: event.ready || i === 0, unschedulable: event.cordoned }),
      );
      break;
    case 'pods':
      site.unready[event.ready ? 'delete' : 'add'](event.name);
      break;
    case 'outage':
      site.fail(event.source, event.as);
      break;
    case 'mend':
      site.mend(event.source);
      break;
    case 'run':
      site.run(event.crashAfter);
      break;
  }
}

const value = fc.oneof(
  fc.constantFrom(
    'default/a',
    'b',
    'default/bb',
    'n1',
    'n9',
    'http://a.example.com/',
    'https://b.example.com/x?y=1',
    'aa.example.com',
    'other/c',
  ),
  fc.string({ minLength: 1, maxLength: 20 }),
);
const traefik = fc.constantFrom('none', 'follows', 'empty', 'silent', 'never');

describe('explain', () => {
  it('answers any question about any world, and names one first cause exactly when a link is not as it should be', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 15 }), fc.constantFrom(...WHY_KINDS), value, traefik, (events, kind, asked, edge) => {
        const site = new Simulation();
        for (const event of events) happen(site, event);
        const seen = site.seen();
        const state = followingState(snapshotValue(seen.registry));
        const gateways = {
          none: undefined,
          follows: answered(state),
          empty: answered(followingState(undefined)),
          silent: silent(site.nowMs - 1000, state),
          never: silent(site.nowMs - 1000),
        }[edge];
        const world = gateways === undefined ? seen : { ...seen, gateways: new Map([[replicaName('edge'), gateways]]) };
        const answer = explain(
          { kind, value: asked },
          knownWorld(world, planWorld(world, { memory: site.memory, nowMs: site.nowMs }), site.nowMs),
        );
        const open = answer.links.filter(({ state: is }) => is !== 'ok' && is !== 'not-watched');
        expect(answer.cause === undefined).toBe(open.length === 0);
        expect(answer.cause).toEqual(firstCause(answer.links));
        expect(answer.links.length).toBeGreaterThan(0);
        expect(new Set(answer.links.map(({ link }) => link)).size).toBe(answer.links.length);
        if (answer.verdict === 'in-traffic') expect(answer.links.every(({ state: is }) => is !== 'broken')).toBe(true);
        for (const { says, facts } of answer.links) expect([says, ...facts].join()).not.toMatch(/undefined|NaN|\[object/);
      }),
      { numRuns: 300 },
    );
  });
});
