/** The exit codes of every command (`sysexits.h` for the last two). */
export const EXIT = {
  done: 0,
  failed: 1,
  /** `plan --exit-code`: there is something to do. */
  differences: 2,
  usage: 64,
  config: 78,
  /** Ended by a signal before it was done: 128 + the number of SIGINT, as shells count. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
