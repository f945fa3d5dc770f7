import { spawnSync } from 'node:child_process';

/**
 * Whether a program that the machine may lack can be started, so that tests that need it are left out by name where it cannot.
 * A CI machine must have it: there its absence is an error.
 */
export function hasProgram(name: string, where = process.env['PATH'] ?? ''): boolean {
  const { status } = spawnSync('sh', ['-c', `command -v "${name}"`], { env: { PATH: `${where}:/usr/sbin:/sbin` } });
  if (status !== 0 && process.env['CI'] === 'true') throw new Error(`these tests need the program ${name}`);
  return status === 0;
}
