import { execFileSync } from 'node:child_process';

/** Makes a named pipe, and gives its path back. */
export function makePipe(path: string): string {
  execFileSync('env', ['mkfifo', path]);
  return path;
}
