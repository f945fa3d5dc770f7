/** The exit codes of every command (`sysexits.h` for the last two). */
export const EXIT = {
  done: 0,
  failed: 1,
  /** `plan --exit-code`: there is something to do. */
  differences: 2,
  usage: 64,
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
