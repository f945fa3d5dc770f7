import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks `look` every 50 ms until it gives something, and resolves with that. After `timeoutMs` it fails and says `what` was
 * waited for and what `describe` tells of the last look.
 */
export async function waitUntil<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  options: { readonly timeoutMs?: number; readonly describe?: () => string } = {},
): Promise<T> {
  const endMs = Date.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > endMs) throw new Error(`waited in vain for ${what}; last seen: ${options.describe?.() ?? 'nothing'}`);
    await delay(50);
  }
}
