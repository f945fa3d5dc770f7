import { readdir, readFile } from 'node:fs/promises';
import { kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

const ROUND_MS = 20;
// Half a second to remove lock files, one more to be gone.
const POLITE_ROUNDS = 25;
const ALL_ROUNDS = 75;

/**
 * Ends every process whose environment holds `marker`, a text that nobody else has; resolves when they are gone. simple-git
 * signals the git process only, and the helper that holds the connection (`git-remote-https`, `ssh`) would stay behind for
 * as long as the server keeps silent. Without a `/proc` (not Linux) nothing is found, and helpers end by their own time limits.
 */
export async function endMarkedProcesses(marker: string): Promise<void> {
  for (let round = 0; round < ALL_ROUNDS; round++) {
    const pids = await markedProcesses(marker);
    if (pids.length === 0) return;
    for (const pid of pids) sendSignal(pid, round < POLITE_ROUNDS ? 'SIGTERM' : 'SIGKILL');
    await delay(ROUND_MS);
  }
}

async function markedProcesses(marker: string): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(pids.map((pid) => environmentHolds(pid, marker)));
  return pids.filter((_, index) => marked[index]);
}

async function environmentHolds(pid: number, marker: string): Promise<boolean> {
  // Processes of other users cannot be read, those that have just ended have none: neither is ours to end.
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.includes(marker);
}

function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
