/** One run of a function that several callers wait for. It is aborted when the last of them has gone. */
export class SharedRun<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#controller.signal);
    this.#result.catch(() => {});
  }

  /** Whether everybody has gone: the run is ending, and nobody should join it. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Resolves when the run has ended, in whatever way. */
  async ended(): Promise<void> {
    await this.#result.catch(() => {});
  }

  /**
   * Waits for the result. When `signal` aborts, rejects with its reason: at once while others wait, else when the run has ended,
   * so that the last caller knows that nothing is left behind.
   */
  async join(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const gone = Promise.withResolvers<never>();
    const leave = () => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#controller.abort(signal.reason);
      else gone.reject(signal.reason);
    };
    this.#waiting += 1;
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#result, gone.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }
}
