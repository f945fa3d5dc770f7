import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where tests leave what people may want to look at: the folder that POOLKEEPER_TEST_ARTIFACTS names, else `test-artifacts/`, which Git ignores. */
export async function artifactFolder(): Promise<string> {
  const folder = process.env['POOLKEEPER_TEST_ARTIFACTS'] ?? join(import.meta.dirname, '..', '..', 'test-artifacts');
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Where pictures for the docs go: the folder that POOLKEEPER_DOC_PICTURES names, such as docs/images, else that of the artifacts. */
export const pictureFolder = async (): Promise<string> => process.env['POOLKEEPER_DOC_PICTURES'] ?? (await artifactFolder());
