import { expect, it } from 'vitest';
import { withLiveSelector } from '../../../../src/core/desired/live-selector.ts';
import type { JsonObject, SpecObject } from '../../../../src/core/model/objects.ts';
import { deployment, liveOf, spec } from '../../../support/builders.ts';

/** What `extensions/v1beta1` is read as: a selector filled from the labels of the template. */
function upgraded(labels: Readonly<Record<string, string>>): SpecObject {
  const object = deployment('web', { selector: { matchLabels: labels }, template: { metadata: { labels } } });
  const [wanted] = spec('web.json', object).objects;
  if (wanted === undefined) throw new Error('no object');
  return { ...wanted, filledSelector: true };
}
const running = (selector: JsonObject) => ({ ...liveOf(deployment('web')), spec: { selector } });
const selectorOf = (wanted: SpecObject, selector: JsonObject): unknown =>
  (withLiveSelector(wanted, running(selector))['spec'] as JsonObject)['selector'];

it.each<readonly [string, JsonObject, JsonObject]>([
  ['the live selector while the new template matches it', { matchLabels: { app: 'web' } }, { matchLabels: { app: 'web' } }],
  [
    'the filled one once it does not, so that the server tells',
    { matchLabels: { app: 'old' } },
    { matchLabels: { app: 'web', version: '2' } },
  ],
  [
    'the filled one where the live one was written by hand',
    { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'a', operator: 'Exists' }] },
    { matchLabels: { app: 'web', version: '2' } },
  ],
  ['the filled one where the live one selects nothing', { matchLabels: {} }, { matchLabels: { app: 'web', version: '2' } }],
])('sends %s', (_name, live, sent) => {
  expect(selectorOf(upgraded({ app: 'web', version: '2' }), live)).toEqual(sent);
});

it('leaves a selector alone that the spec states', () => {
  const { filledSelector: _no, ...stated } = upgraded({ app: 'web', version: '2' });
  expect(withLiveSelector(stated, running({ matchLabels: { app: 'web' } }))).toBe(stated.object);
});
