import { readFileSync } from 'node:fs';
import { AppError } from '../../shared/errors.ts';
import { problem } from '../../shared/problem.ts';

/** The secret in a file, white space at its ends dropped. Throws AppError when there is none; it shows neither path nor content. */
export function readSecretFile(option: string, path: string): string {
  const secret = textOf(option, path);
  if (secret === '')
    throw new AppError(problem('NOTIFIER_REFUSED', `${option}: the file is empty`, { remedy: 'Write the secret into the file.' }));
  return secret;
}

/** The http or https URL in a file. Throws AppError when there is none. */
export function readUrlFile(option: string, path: string): string {
  const url = readSecretFile(option, path);
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  throw new AppError(
    problem('NOTIFIER_REFUSED', `${option}: the file holds no http or https URL`, { remedy: 'Write the whole URL into the file.' }),
  );
}

function textOf(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    const message = `${option}: the file cannot be read (${typeof code === 'string' ? code : 'unknown error'})`;
    throw new AppError(problem('NOTIFIER_REFUSED', message, { remedy: 'Give the daemon the right to read the file.' }), { cause: error });
  }
}
