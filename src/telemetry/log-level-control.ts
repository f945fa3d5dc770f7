import { LOG_LEVELS, type LogLevel } from '../shared/log-levels.ts';

/** Which lines are written now. */
export interface LogLevelState {
  readonly level: LogLevel;
  /** What the configuration says. */
  readonly configured: LogLevel;
  /** When the configured level comes back, in ms since the epoch; absent: it is in force. */
  readonly untilMs?: number;
}

/** As much of a logger as the control needs. */
export interface LevelLog {
  level: string;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Changes the level of a log for a while; then the configured one comes back, so that nobody has to remember. */
export class LogLevelControl {
  readonly #log: LevelLog;
  readonly #configured: LogLevel;
  #untilMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: LevelLog, configured: LogLevel) {
    this.#log = log;
    this.#configured = configured;
  }

  state(): LogLevelState {
    const level = LOG_LEVELS.find((one) => one === this.#log.level) ?? this.#configured;
    return { level, configured: this.#configured, ...(this.#untilMs === undefined ? {} : { untilMs: this.#untilMs }) };
  }

  /** Sets the level for so many milliseconds. The configured one ends what was set before, and stays. */
  set(level: LogLevel, forMs: number): LogLevelState {
    this.stop();
    this.#log.level = level;
    if (level !== this.#configured) {
      this.#untilMs = Date.now() + forMs;
      this.#timer = setTimeout(() => this.#comeBack(), forMs).unref();
    }
    this.#tell(`the log level is ${level} now`);
    return this.state();
  }

  /** Forgets that the configured level was to come back. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#untilMs = undefined;
  }

  #comeBack(): void {
    this.stop();
    this.#log.level = this.#configured;
    this.#tell(`the log level is ${this.#configured} again, as configured`);
  }

  /** A warning, since a quieter level must not hide that it is in force; at `error` nothing is said. */
  #tell(message: string): void {
    const { level: to, ...rest } = this.state();
    this.#log.warn({ event: 'log-level', to, ...rest }, message);
  }
}
