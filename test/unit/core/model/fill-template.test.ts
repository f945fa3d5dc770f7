import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillTemplate, PLACEHOLDERS, templateMistake, templateValues } from '../../../../src/core/model/fill-template.ts';

const FACTS = { cluster: 'main', link: '', time: '2026-01-02T03:04:05.000Z' };
const notification = { event: 'held', phase: 'begun', subject: 's', message: 'm', remedy: 'r', revision: 'v', atMs: 5 } as const;

describe('templates', () => {
  it('hold the values of a message', () => {
    const template = `{${PLACEHOLDERS.map((name) => `"${name}": "{{${name}}}"`).join(',')}}`;
    const values = { event: 'held', phase: 'begun', subject: 's', message: 'm', remedy: 'r', revision: 'v' };
    const filled = fillTemplate(template, templateValues({ id: 1, notification, more: { held: 2 } }, { ...FACTS, link: 'http://page' }));
    expect(JSON.parse(filled)).toEqual({ ...values, cluster: 'main', time: FACTS.time, more: '2', link: 'http://page' });
  });

  it('make JSON whatever the values are, and fill nothing into values', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const values = templateValues({ id: 1, notification: { ...notification, message: `${message}{{ cluster }}` }, more: {} }, FACTS);
        expect(JSON.parse(fillTemplate('{"text": "{{ message }}", "n": {{ more }} }', values))).toEqual({
          text: `${message}{{ cluster }}`,
          n: 0,
        });
      }),
    );
  });

  it.each([
    ['{"a": "{{ message }} of {{cluster}}", "more": {{ more }}}', undefined],
    ['{"a": "{{ mesage }}"}', 'there is no placeholder mesage'],
    ['{"a": "{{ a.b }}"}', 'there is no placeholder a.b'],
    ['{"a": {{ message }}}', 'it does not make JSON'],
    ['event={{ event }}', 'it does not make JSON'],
  ])('are looked at before they are used: %s', (template, mistake) => {
    expect(templateMistake(template)).toBe(mistake);
  });
});
