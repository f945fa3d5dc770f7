import cron from 'node-cron';

/** A schedule that can be ended. */
export interface ResyncSchedule {
  stop(): Promise<void>;
}

/**
 * Calls `resync` by a cron expression (calendar times; intervals are the loop's own timers). The loop coalesces and never runs
 * twice at once, so a slow resync is not overtaken. Throws when the expression or the time zone is not valid.
 */
export function scheduleResync(
  options: { readonly expression: string; readonly timezone?: string | undefined },
  resync: () => void,
): ResyncSchedule {
  const task = cron.schedule(options.expression, () => resync(), {
    noOverlap: true,
    ...(options.timezone === undefined ? {} : { timezone: options.timezone }),
  });
  return {
    async stop() {
      await task.destroy();
    },
  };
}
