/** What may stand unescaped in a path; Go escapes the whole path anew when it meets anything else. */
const VALID = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@[\]/]|%[0-9A-Fa-f]{2})*$/;
/** What Go escapes when it escapes a path itself. */
const ESCAPED = /[^A-Za-z0-9\-._~$&+,/:;=@]/gu;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** Characters that mean something in a URL stay escaped (traefik pkg/muxer/http/mux.go). */
const RESERVED = /[:/?#[\]@!$&'()*+,;=%]/;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;

/**
 * The path that rules are matched with: unreserved characters are unescaped, `//`, `/./` and `/../` are cleaned, then all but reserved
 * characters are unescaped (traefik pkg/server/server_entrypoint_tcp.go, pkg/muxer/http/mux.go). A path with an escape that is none, which
 * Traefik answers with 400, stays as it is.
 */
export function routingPath(path: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return path;
  const escaped = VALID.test(path) ? normalised(path) : decodeEscapes(path, () => true).replace(ESCAPED, escapeChar);
  return decodeEscapes(cleaned(escaped), (char) => !RESERVED.test(char));
}

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
