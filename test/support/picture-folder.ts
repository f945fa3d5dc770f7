import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where pictures for the docs go: the folder that POOLKEEPER_DOC_PICTURES names, such as docs/images, else a temporary one. */
export const pictureFolder = async (): Promise<string> =>
  process.env['POOLKEEPER_DOC_PICTURES'] ?? (await mkdtemp(join(tmpdir(), 'poolkeeper-pictures-')));
