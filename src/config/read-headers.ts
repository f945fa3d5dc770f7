const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Reads `Name: value`, one a line; undefined when a line is something else. No message shows a line: they hold secrets. */
export function readHeaders(text: string): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = {};
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, Math.max(0, colon)).trim(), line.slice(colon + 1).trim()];
    if (!NAME.test(name) || value === '' || /\p{Cc}/u.test(value)) return undefined;
    headers[name.toLowerCase()] = value;
  }
  return headers;
}
