import { existsSync } from 'node:fs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is; undefined when it is not installed. */
export const chromiumPath = (): string | undefined => PATHS.find((path) => existsSync(path));
