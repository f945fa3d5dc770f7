/** What may stand unescaped in a path; Go escapes the whole path anew when it meets anything else. */
const VALID = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/]|%[0-9A-Fa-f]{2})*$/;
/** What Go escapes when it escapes a path itself. */
const ESCAPED = /[^A-Za-z0-9\-._~$&+,/:;=@]/gu;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** Characters that mean something in a URL stay escaped (traefik pkg/muxer/http/mux.go). */
const RESERVED = /[:/?#[\]@!$&'()*+,;=%]/;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;

/**
 * The path that rules are matched with: a sanitised path in which all but reserved characters are unescaped (traefik
 * pkg/muxer/http/mux.go). A path with an escape that is none, which Traefik answers with 400, stays as it is.
 */
export const routingPath = (path: string): string =>
  hasBadEscape(path) ? path : decodeEscapes(sanitizedPath(path), (char) => !RESERVED.test(char));

/**
 * A path as Traefik's entry points pass it on, still escaped: unreserved characters are unescaped, `//`, `/./` and `/../` are cleaned
 * (traefik pkg/server/server_entrypoint_tcp.go).
 */
export const sanitizedPath = (path: string): string => cleaned(isEscapedPath(path) ? normalised(path) : escapePath(unescapePath(path)));

/** Whether a `%` stands without two hex digits. */
export const hasBadEscape = (path: string): boolean => /%(?![0-9A-Fa-f]{2})/.test(path);

/** Whether all that must be escaped in a path is; Go escapes anything else anew. */
export const isEscapedPath = (path: string): boolean => VALID.test(path);

/** Go's own escaping of a path. */
export const escapePath = (path: string): string => path.replace(ESCAPED, escapeChar);

/** Unescapes all of a path; bytes that are not UTF-8 stay escaped. */
export const unescapePath = (path: string): string => decodeEscapes(path, () => true);

/** Unescapes what need not be escaped, and writes the other escapes in capitals. */
const normalised = (path: string): string =>
  path.replace(/%[0-9A-Fa-f]{2}/g, (code) => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return UNRESERVED.test(char) ? char : code.toUpperCase();
  });

const escapeChar = (char: string): string =>
  [...new TextEncoder().encode(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** Go's path.Clean, but for a slash at the end, which stays. */
function cleaned(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const clean = `/${parts.join('/')}`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}

/** Unescapes the characters that `wanted` says; bytes that are not UTF-8 stay escaped. */
const decodeEscapes = (path: string, wanted: (char: string) => boolean): string =>
  path.replace(ESCAPES, (run) => {
    const kept = run.replace(/%../g, (code) => {
      const byte = Number.parseInt(code.slice(1), 16);
      return byte < 0x80 && !wanted(String.fromCharCode(byte)) ? `%25${code.slice(1)}` : code;
    });
    try {
      return decodeURIComponent(kept);
    } catch {
      return run;
    }
  });
