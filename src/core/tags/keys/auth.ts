import { parseGoBool } from '../tag-kinds.ts';
import { flag, list, text } from '../turn-value.ts';
import type { DeprecatedKey, TurnContext, V1Key } from '../v1-key.ts';
import { idle, impossible, NOTHING, unread } from '../v1-key.ts';

const AUTH = 'frontend.auth';
const KINDS = ['basic', 'digest', 'forward'] as const;
type Kind = (typeof KINDS)[number];

/** Traefik 1 uses one kind only: the first of these of which anything is written. */
const kindOf = ({ options }: TurnContext): Kind | undefined =>
  KINDS.find((kind) => [...options].some(([key, value]) => value !== '' && key.startsWith(`${AUTH}.${kind}`)));

const of =
  (kind: Kind, turn: V1Key['turn']): V1Key['turn'] =>
  (value, to, context) => {
    const used = kindOf(context);
    return used === undefined || used === kind ? turn(value, to, context) : idle(`beside traefik.${AUTH}.${used}`);
  };

/** A row whose tag and field have the same name. */
const row = (kind: Kind, option: string, turn: V1Key['turn']): V1Key => ({
  key: `${AUTH}.${kind}.${option}`,
  class: 'exact',
  to: `M.${kind}auth.${option.toLowerCase()}`,
  turn: of(kind, turn),
});

/** Values are not told: they hold hashes of passwords. */
const users: V1Key['turn'] = (value, to, context) => {
  const turned = list(value, to, context);
  if (turned.fields === undefined) return impossible('names no user: Traefik 1 lets nobody in', 'Name the users, or remove the route.');
  return value.split(',').every((user) => user.includes(':'))
    ? turned
    : impossible('holds something that is not user:hash', 'Write users as htpasswd prints them, separated by commas.');
};

/** Who may come in. */
export const AUTH_KEYS: readonly V1Key[] = [
  row('basic', 'users', users),
  row('basic', 'usersFile', text),
  row('basic', 'removeHeader', flag),
  row('digest', 'users', users),
  row('digest', 'usersFile', text),
  row('digest', 'removeHeader', flag),
  row('forward', 'address', text),
  row('forward', 'authResponseHeaders', list),
  row('forward', 'trustForwardHeader', (value, to) => {
    const read = parseGoBool(value);
    return read === undefined ? unread(value, 'a boolean') : { fields: { [to]: String(read) } };
  }),
  ...['ca', 'cert', 'key'].map((name) => row('forward', `tls.${name}`, text)),
  row('forward', 'tls.insecureSkipVerify', flag),
  {
    key: `${AUTH}.forward.tls.caOptional`,
    class: 'approximate',
    to: '–',
    remark: 'does nothing in Traefik 3, which always verifies by that authority',
    turn: of('forward', (value) => (parseGoBool(value) === true ? {} : NOTHING)),
  },
  {
    key: `${AUTH}.headerField`,
    class: 'exact',
    to: 'M.basicauth.headerfield, M.digestauth.headerfield or M.forwardauth.headerfield',
    turn: (value, _, context) => {
      const kind = kindOf(context);
      if (kind === undefined)
        return impossible('says what to tell of a user, and nothing says who may come in', 'Add users, or remove it.');
      return text(value, `M.${kind}auth.headerfield`, context);
    },
  },
];

export const DEPRECATED_AUTH_KEYS: readonly DeprecatedKey[] = [{ key: `${AUTH}.basic`, now: `${AUTH}.basic.users`, wins: true }];
