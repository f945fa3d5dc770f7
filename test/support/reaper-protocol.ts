/** What the runner asks of the reaper, one JSON object a line on its stdin. Each request gets one reply. */
export type ReaperRequest =
  | { readonly op: 'make-directory'; readonly label: string }
  | { readonly op: 'remove-directory'; readonly path: string }
  | {
      readonly op: 'spawn';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly directory: string;
      readonly logFile: string;
    }
  | { readonly op: 'signal'; readonly pid: number; readonly signal: NodeJS.Signals }
  | { readonly op: 'wait'; readonly pid: number }
  | { readonly op: 'stop'; readonly pid: number; readonly graceMs: number };

/** What the reaper says, one JSON object a line on its stdout. */
export type ReaperMessage =
  | { readonly kind: 'done'; readonly id: number; readonly value: string | number | null }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string }
  | { readonly kind: 'exited'; readonly pid: number; readonly code: number | null; readonly signal: string | null };
