import { SETTINGS } from './marks.ts';

const MASK = '[redacted]';

/** Keys of tags whose values let somebody in: users with the hashes of their passwords, headers that carry tokens, keys, what plugins take. */
const SECRET_KEY = /(users|auth\.basic|\.key)$|custom(request|response)headers|healthcheck\.headers|\.plugin\./i;

/** Traefik repeats a user that it cannot read, with the hash (pkg/middlewares/auth). */
const QUOTED_USER = /(parsing (?:Basic|Digest)User: ).*/gs;

/** A tag as logs, reports and the API show it: without a value that may be a secret. */
export function shownTag(tag: string): string {
  const at = tag.indexOf('=');
  return at > 0 && SECRET_KEY.test(tag.slice(0, at)) ? `${tag.slice(0, at)}=${MASK}` : tag;
}

/** The value of an annotation as plans show it: tags are annotations, too, one each or one per line. */
export const shownAnnotation = (key: string, value: string): string =>
  key === SETTINGS.tags ? value.split('\n').map(shownTag).join('\n') : shownTag(`${key}=${value}`).slice(key.length + 1);

/** What Traefik says is wrong, without the users that it quotes. */
export const withoutUsers = (error: string): string => error.replace(QUOTED_USER, `$1${MASK}`);
