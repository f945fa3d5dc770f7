import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitSourceOptions } from '../../src/adapters/git/git-settings.ts';
import { createGitSource, type GitSource } from '../../src/adapters/git/git-source.ts';
import type { Snapshot } from '../../src/core/model/snapshot.ts';
import type { SpecFile, SpecFiles } from '../../src/core/model/spec-set.ts';
import type { Problem } from '../../src/shared/problem.ts';
import { GitRepository } from '../support/git-repository.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { makeTempDirectory } from '../support/processes.ts';
import { processesWith } from '../support/running-processes.ts';

export const USER = 'reader';
export const PASSWORD = 'canary-password-1';

/** Of git, where a test is not about its deadline: beside four busy processes it takes a minute for what it does in seconds alone. */
export const PATIENCE_MS = 120_000;

/** A repository behind one way to reach it, and sources that read it. */
export interface Rig {
  readonly repository: GitRepository;
  readonly url: string;
  /** Undefined for a repository that is a folder. */
  readonly server: GitServer | undefined;
  readonly mirrorDir: string;
  /** Milliseconds; moves on by hand only. */
  readonly clock: { nowMs: number };
  /** Subcommands that were run since the list was last emptied. */
  readonly commands: string[];
  /** Opens a source with these options changed; `anonymous`: without user and password. */
  open(options?: Partial<GitSourceOptions> & { readonly anonymous?: boolean }): GitSource;
  close(): Promise<void>;
}

/** A repository in a folder, read by a file URL. */
export async function openFolderRig(): Promise<Rig> {
  const directory = await makeTempDirectory('spec-source');
  const repository = await GitRepository.create(join(directory.path, 'specs.git'));
  return rig({ repository, url: `file://${repository.path}`, server: undefined }, directory);
}

/** A repository behind an HTTP server that asks for a password. */
export async function openHttpRig(): Promise<Rig> {
  const directory = await makeTempDirectory('spec-source');
  const server = await startGitServer({ user: USER, password: PASSWORD });
  return rig({ repository: server.repository, url: server.url, server }, directory);
}

function rig(target: Pick<Rig, 'repository' | 'url' | 'server'>, directory: { path: string; remove(): Promise<void> }): Rig {
  const clock = { nowMs: 1_000_000 };
  const commands: string[] = [];
  const sources: GitSource[] = [];
  const mirrorDir = join(directory.path, 'state', 'mirror');
  const { url, server } = target;
  const credentials = server === undefined ? {} : { username: () => USER, password: () => PASSWORD };
  return {
    ...target,
    mirrorDir,
    clock,
    commands,
    open: ({ anonymous = false, ...options } = {}) => {
      const source = createGitSource({
        url,
        mirrorDir,
        ...(anonymous ? {} : credentials),
        timeoutMs: PATIENCE_MS,
        clock: { now: () => clock.nowMs },
        environment: { PATH: process.env['PATH'] },
        onCommand: ([command = '']) => commands.push(command),
        ...options,
      });
      sources.push(source);
      return source;
    },
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
      await server?.stop();
      await directory.remove();
    },
  };
}

/** A signal that does not abort within a test. */
export const steady = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);

/** The value of a complete snapshot; fails for any other. */
export function complete(snapshot: Snapshot<SpecFiles>): SpecFiles {
  if (snapshot.kind !== 'complete') throw new Error(`the snapshot is ${snapshot.kind}: ${snapshot.reason.message}`);
  return snapshot.value;
}

/** Why a snapshot is not complete; fails for a complete one. */
export function reasonOf(snapshot: Snapshot<SpecFiles>): Problem {
  if (snapshot.kind === 'complete') throw new Error('the snapshot is complete');
  return snapshot.reason;
}

/** Files as a map from path to text, or to the code of the refusal. */
export function texts(value: SpecFiles): Readonly<Record<string, string>> {
  return Object.fromEntries(value.files.map((file) => [file.id, textOf(file)]));
}

function textOf({ content }: SpecFile): string {
  return content.kind === 'bytes' ? Buffer.from(content.bytes).toString() : content.problem.code;
}

/** Command lines that hold `text`, of all processes that ran at some moment while `work` went on. */
export async function processesDuring(work: Promise<unknown>, text: string): Promise<ReadonlySet<string>> {
  const lines = new Set<string>();
  let isGoingOn = true;
  const ended = work.finally(() => {
    isGoingOn = false;
  });
  while (isGoingOn) for (const line of await processesWith(text)) lines.add(line);
  await ended;
  return lines;
}

/** Paths of the files below `folder` that hold `text`. */
export async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(paths.map((path) => readFile(path, 'latin1')));
  return paths.filter((_, index) => contents[index]?.includes(text));
}

/**
 * Writes an executable `name` and returns a PATH that finds it before the real ones. In its script, `exec_git` is the real git.
 */
export async function pathWith(rig: Rig, name: string, script: string): Promise<string> {
  const folder = join(rig.mirrorDir, '..', 'bin');
  await mkdir(folder, { recursive: true });
  const path = process.env['PATH'] ?? '';
  await writeFile(join(folder, name), `#!/bin/sh\nexec_git() { PATH='${path}' git "$@"; }\n${script}\n`, { mode: 0o755 });
  return `${folder}:${path}`;
}

/** Commits a submodule at `path`; git needs the id of a commit for it, not the commit. */
export async function commitSubmodule(repository: GitRepository, path: string): Promise<void> {
  const lines = [
    'commit refs/heads/main',
    'committer Test <test@example.com> now',
    'data 9',
    'submodule',
    'from refs/heads/main^0',
    `M 160000 ${'1'.repeat(40)} ${path}`,
    '',
  ];
  await repository.git(['fast-import', '--quiet', '--date-format=now'], lines.join('\n'));
}
