import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Git repository on disk, with a work tree in which people may edit and commit. */
export interface DemoRepository {
  readonly path: string;
  /** Copies a folder into the work tree and commits it; gives the commit id. */
  commitFolder(folder: string, message: string): Promise<string>;
}

const IDENTITY = ['-c', 'user.name=poolkeeper demo', '-c', 'user.email=demo@example.com', '-c', 'commit.gpgsign=false'];

/** Makes a repository with one first commit (branch `main`). Git's own settings of the user do not get in its way. */
export async function createDemoRepository(path: string): Promise<DemoRepository> {
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run('git', ['-C', path, ...IDENTITY, ...args]);
    return stdout.trim();
  };
  const commit = async (message: string): Promise<string> => {
    await git('add', '--all');
    await git('commit', '--quiet', '--no-verify', '--message', message);
    return await git('rev-parse', 'HEAD');
  };
  await mkdir(path, { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'poolkeeper demo');
  await git('config', 'user.email', 'demo@example.com');
  await writeFile(join(path, '.gitignore'), '*.swp\n*~\n');
  await commit('Begin with nothing');
  return {
    path,
    async commitFolder(folder, message) {
      await cp(folder, path, { recursive: true, filter: (source) => !source.endsWith('README.md') });
      return await commit(message);
    },
  };
}
