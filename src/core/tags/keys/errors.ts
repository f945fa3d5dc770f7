import { list, text } from '../turn-value.ts';
import type { TurnContext, V1Key } from '../v1-key.ts';
import { idle, NOTHING, placed } from '../v1-key.ts';

const ERRORS = 'frontend.errors';

const isWhole = ({ options, name }: TurnContext): boolean =>
  ['status', 'backend'].every((field) => (options.get(`${ERRORS}.${name}.${field}`) ?? '') !== '');

const ofPage =
  (turn: V1Key['turn']): V1Key['turn'] =>
  (value, to, context) =>
    isWhole(context) ? turn(value, to, context) : idle('without both status and backend of the page');

/** Pages of another backend in place of errors. */
export const ERROR_KEYS: readonly V1Key[] = [
  { key: `${ERRORS}.NAME.status`, class: 'exact', to: 'M-NAME.errors.status', turn: ofPage(list) },
  { key: `${ERRORS}.NAME.query`, class: 'exact', to: 'M-NAME.errors.query', turn: ofPage(text) },
  {
    key: `${ERRORS}.NAME.backend`,
    class: 'exact',
    to: 'M-NAME.errors.service',
    turn: ofPage((value, to, context) => {
      const { name, supposed } = context.site.traefikService(value);
      const fields = { [placed(to, context)]: name };
      if (!supposed) return value === '' ? NOTHING : { fields };
      const reason = `names the Consul service "${value}"; its Traefik 3 service is supposed to be ${name}, as that of a Service of this name in this namespace`;
      return { fields, told: { class: 'approximate', reason } };
    }),
  },
];
