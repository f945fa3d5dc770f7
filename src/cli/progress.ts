import type { Output } from './cli-io.ts';

/** How a line of progress begins where there is no terminal; programs that read stderr may leave such lines out. */
export const PLAIN_MARK = '… ';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const CLEAR = '\r\u001b[K';
/** Seconds after which a plain line is written, the last one over and over. */
const PLAIN_SECONDS = [1, 5, 15, 30];

export interface ProgressOptions {
  readonly stderr: Output;
  /** What is at work: the name of the command. */
  readonly label: string;
  /** `spinner` on a terminal, `lines` elsewhere. */
  readonly form: 'spinner' | 'lines';
  /** How long nothing is shown, in milliseconds: what is quick needs no progress. */
  readonly afterMs: number;
}

/** Shows on stderr that a command is at work, from a moment on until it writes something itself. Keeps no process alive. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #startedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #shown = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#wait(options.afterMs, () => (options.form === 'spinner' ? this.#spin() : this.#line()));
  }

  /** Ends it, and takes its line away. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#options.form === 'spinner' && this.#shown > 0) this.#options.stderr.write(CLEAR);
    this.#shown = 0;
  }

  #spin(): void {
    const frame = FRAMES[this.#shown++ % FRAMES.length] ?? '';
    this.#options.stderr.write(`${CLEAR}${frame} ${this.#text()}`);
    this.#wait(FRAME_MS, () => this.#spin());
  }

  #line(): void {
    this.#options.stderr.write(`${PLAIN_MARK}${this.#text()}\n`);
    const [last, next] = [PLAIN_SECONDS[this.#shown] ?? 0, PLAIN_SECONDS[this.#shown + 1]];
    this.#shown++;
    this.#wait(1000 * (next === undefined ? (PLAIN_SECONDS.at(-1) ?? 1) : next - last), () => this.#line());
  }

  #text(): string {
    return `${this.#options.label}: at work for ${Math.round((performance.now() - this.#startedAt) / 1000)} s`;
  }

  #wait(ms: number, then: () => void): void {
    if (!Number.isFinite(ms)) return;
    this.#timer = setTimeout(then, ms);
    this.#timer.unref();
  }
}
