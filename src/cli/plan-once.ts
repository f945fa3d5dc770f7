import { planOnce as plan, syncOnce as sync } from '../once.ts';
import type { OnceModule } from './cli-io.ts';
import { createDirectorySource } from './directory-source.ts';

/** Plans once: see `once.ts`; with specs from a folder where one is named. */
export const planOnce: OnceModule['planOnce'] = (config, { directory, ...io }, signal) =>
  plan(config, { ...io, ...(directory === undefined ? {} : { source: createDirectorySource(directory, config) }) }, signal);

export const syncOnce: OnceModule['syncOnce'] = sync;
