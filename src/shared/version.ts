declare const POOLKEEPER_VERSION: string | undefined;

/** The version of the package; the bundle has it built in, the sources have none. */
export const VERSION: string = typeof POOLKEEPER_VERSION === 'string' ? POOLKEEPER_VERSION : '0.0.0-source';
