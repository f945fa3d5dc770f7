import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diagnoseGit } from '../adapters/git/diagnose-git.ts';
import { gitOptions } from '../connections.ts';
import type { DoctorAnswer, DoctorCheck, GitDoctorRequest } from './cli-io.ts';

/** Tries everything that reading the repository takes, beside a running daemon: with a mirror of its own, which is thrown away. */
export async function examineGit({ config, env, now, signal }: GitDoctorRequest): Promise<DoctorAnswer<readonly DoctorCheck[]>> {
  const mirrorDir = await mkdtemp(join(tmpdir(), 'poolkeeper-doctor-'));
  try {
    const options = gitOptions(config, mirrorDir, { now, random: () => 0 }, { env });
    return { kind: 'ok', value: await diagnoseGit(options, signal) };
  } finally {
    await rm(mirrorDir, { recursive: true, force: true });
  }
}
