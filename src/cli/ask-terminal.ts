import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { isAbort } from '../shared/errors.ts';

/** Where a person is asked. */
export interface AskedTerminal {
  readonly input: Readable;
  readonly output: Writable;
  /** Called at Ctrl+C, which a terminal makes no signal while a line is edited. It is to abort the signal. */
  readonly interrupt: () => void;
}

/** Asks a person one question. Undefined: there is no more input (Ctrl+D). Aborts with the signal. */
export async function askOn(
  { input, output, interrupt }: AskedTerminal,
  question: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const lines = createInterface({ input, output });
  // The question itself would never be answered then.
  const ended = new Promise<undefined>((resolve) => lines.once('close', () => resolve(undefined)));
  lines.once('SIGINT', interrupt);
  try {
    return await Promise.race([lines.question(question, { signal }), ended]);
  } catch (error) {
    // Ctrl+D is told as an abort, too, where the line is edited.
    if (signal.aborted || !isAbort(error)) throw error;
    return undefined;
  } finally {
    lines.close();
  }
}
