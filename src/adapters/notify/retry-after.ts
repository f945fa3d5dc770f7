type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * For how long a server asks to be left alone, in ms: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), else, for a request over the
 * limit, GitHub's `x-ratelimit-reset` (seconds since the epoch) when nothing remains. Undefined: it does not say.
 */
export function retryAfterMs(status: number, headers: Headers, nowMs: number): number | undefined {
  const after = textOf(headers['retry-after']);
  if (after !== undefined) return /^\d+$/.test(after) ? Number(after) * 1000 : untilDate(after, nowMs);
  if (status !== 403 && status !== 429) return undefined;
  const reset = textOf(headers['x-ratelimit-reset']);
  if (textOf(headers['x-ratelimit-remaining']) !== '0' || reset === undefined || !/^\d+$/.test(reset)) return undefined;
  return Math.max(0, Number(reset) * 1000 - nowMs);
}

const textOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)?.trim();

function untilDate(text: string, nowMs: number): number | undefined {
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
