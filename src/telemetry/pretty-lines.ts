import type { LogDestination } from './create-logger.ts';

/** As much of a stream as the lines need; `process.stdout` fits. */
export interface PrettyOutput extends LogDestination {
  readonly isTTY?: boolean;
}

/** Loads pino-pretty, and gives a destination that turns each JSON line into one for people: the time of day, the level, what happened, and its fields. */
export async function prettyLines(output: PrettyOutput): Promise<LogDestination> {
  // The whole of a CommonJS module: in the bundle it has no names of its own.
  const { default: pretty } = await import('pino-pretty');
  const format = pretty.prettyFactory({
    colorize: output.isTTY === true,
    colorizeObjects: false,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    // What the message says already, and what only programs want.
    ignore: 'event,message,severity,next,trace_id,span_id',
  });
  return { write: (line) => output.write(format(line)) };
}
