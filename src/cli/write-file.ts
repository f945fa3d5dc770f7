import { closeSync, fchmodSync, fstatSync, openSync, writeFileSync } from 'node:fs';

/** How a file is written. */
export interface WriteHow {
  /** Only when it does not exist. */
  readonly fresh: boolean;
  /** For its owner alone, also when it was there before. */
  readonly isPrivate?: boolean;
}

/** Writes a whole file. Throws what the file system throws. */
export function writeFile(path: string, text: string, { fresh, isPrivate = false }: WriteHow): void {
  const file = openSync(path, fresh ? 'wx' : 'w', isPrivate ? 0o600 : 0o666);
  try {
    // `/dev/stdout` and the like are others' to set.
    if (isPrivate && fstatSync(file).isFile()) fchmodSync(file, 0o600);
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}
