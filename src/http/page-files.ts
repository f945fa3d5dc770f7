import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One file of the page as it is built: compressed already, named by its content. Bodies are base64. */
export interface PageFile {
  /** Below the root: empty for the page itself, else such as `assets/page-3fa81c.js`. */
  readonly path: string;
  readonly type: string;
  readonly brotli: string;
  readonly gzip: string;
}

declare const POOLKEEPER_PAGE: readonly PageFile[] | undefined;

/** The files of the page: built into the bundle; beside the sources read from the last build. Undefined: there has been none. */
export function readPageFiles(): readonly PageFile[] | undefined {
  if (typeof POOLKEEPER_PAGE === 'object') return POOLKEEPER_PAGE;
  try {
    return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'dist', 'page.json'), 'utf8')) as readonly PageFile[];
  } catch {
    return undefined;
  }
}
