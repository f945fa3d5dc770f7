import { escapePath, hasBadEscape, isEscapedPath, unescapePath } from '../../core/routes/routing-path.ts';

/** The path of a request as Go's URL holds it: `path` unescaped, `rawPath` as written where Go would write it otherwise. */
export interface GoPath {
  readonly path: string;
  readonly rawPath: string;
}

/** Reads an escaped path without bad escapes. */
export function readPath(escaped: string): GoPath {
  const path = unescapePath(escaped);
  return { path, rawPath: escapePath(path) === escaped ? '' : escaped };
}

/** Go's URL.EscapedPath. */
export function writePath({ path, rawPath }: GoPath): string {
  const isUsable = rawPath !== '' && isEscapedPath(rawPath) && !hasBadEscape(rawPath) && unescapePath(rawPath) === path;
  if (isUsable) return rawPath;
  return path === '*' ? path : escapePath(path);
}

/** A URL as Go writes it again after it has read it; undefined for one that it cannot read. Source: Go's net/url, Parse and String. */
export function rewriteUrl(text: string): string | undefined {
  const {
    scheme = '',
    authority,
    path = '',
    query = '',
    fragment = '',
  } = /^(?:(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?<authority>[^/?#]*))?(?<path>[^?#]*)(?<query>\?[^#]*)?(?<fragment>#.*)?$/s.exec(
    text,
  )?.groups ?? {};
  const hasControl = /\p{Cc}/u.test(text);
  if (hasControl || hasBadEscape(path) || !isAuthority(authority ?? '')) return undefined;
  if (scheme === '' && authority === undefined && /^[^/]*:/.test(path)) return undefined;
  // What follows a scheme without a slash is left alone.
  const isOpaque = scheme !== '' && authority === undefined && !path.startsWith('/');
  const written = isOpaque ? path : writePath(readPath(path));
  return `${scheme === '' ? '' : `${scheme.toLowerCase()}:`}${authority === undefined ? '' : `//${authority}`}${written}${query}${writeFragment(fragment)}`;
}

const writeFragment = (fragment: string): string => {
  if (fragment === '#' || isEscapedPath(fragment.slice(1).replaceAll('?', ''))) return fragment === '#' ? '' : fragment;
  return encodeURI(unescapePath(fragment));
};

const isAuthority = (text: string): boolean => /^(?:[^@\s]*@)?(?:\[[^\]\s]*\]|[^\s:[\]%<>"\\^`{|}]*)(?::\d*)?$/.test(text);
