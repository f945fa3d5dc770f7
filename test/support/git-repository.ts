import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Content of a file to commit: text or bytes (mode 100644), or with a mode of its own (120000 is a symbolic link). */
export type FileContent = string | Buffer | { readonly mode: string; readonly content: string | Buffer };

/** How to commit. */
export interface CommitOptions {
  /** Paths to remove. */
  readonly remove?: readonly string[];
  /** `main` unless told; made when it does not exist. */
  readonly branch?: string;
  /** Parent instead of the branch's head (then the branch is forced); null starts a new history. */
  readonly parent?: string | null;
}

// Nothing of the machine's own Git settings may change what a test sees.
const environment = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};
const committer = 'Test <test@example.com>';

/** A bare repository that is written directly, without a work tree. Paths must not begin with a quotation mark. */
export class GitRepository {
  /** Path of the bare repository. */
  readonly path: string;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes an empty bare repository at `path` whose HEAD is `main`. */
  static async create(path: string): Promise<GitRepository> {
    const repository = new GitRepository(path);
    await runGit(['init', '--quiet', '--bare', '--initial-branch=main', path], '/');
    // As the hosting services do: partial clones, and fetching a commit by its id.
    await repository.git(['config', 'uploadpack.allowFilter', 'true']);
    await repository.git(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
    return repository;
  }

  /** Commits files on top of a branch and returns the commit's id. Calls run one after another. */
  commit(files: Readonly<Record<string, FileContent>>, message: string, options: CommitOptions = {}): Promise<string> {
    const committed = this.#queue.then(() => this.#commit(files, message, options));
    this.#queue = committed.catch(() => undefined);
    return committed;
  }

  /** Moves a branch to a commit, whatever it was before: what a forced push does. */
  async forceBranch(branch: string, commit: string): Promise<void> {
    await this.git(['update-ref', `refs/heads/${branch}`, commit]);
  }

  /** Deletes a branch. */
  async deleteBranch(branch: string): Promise<void> {
    await this.git(['update-ref', '-d', `refs/heads/${branch}`]);
  }

  /** Id of a branch's head, or undefined when there is no such branch. */
  async head(branch = 'main'): Promise<string | undefined> {
    const id = await this.git(['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
    return id === '' ? undefined : id;
  }

  /** Runs git in the repository and returns its output without the last line break; rejects when it fails. */
  git(args: readonly string[], input: string | Buffer = ''): Promise<string> {
    return runGit(args, this.path, input);
  }

  async #commit(
    files: Readonly<Record<string, FileContent>>,
    message: string,
    { remove = [], branch = 'main', parent }: CommitOptions,
  ): Promise<string> {
    const from = parent === undefined ? await this.head(branch) : (parent ?? undefined);
    // One fast-import instead of a process per file: a test may commit thousands.
    const parts: (string | Buffer)[] = [`commit refs/heads/${branch}\nmark :1\ncommitter ${committer} now\n`];
    parts.push(...dataBlock(message));
    if (from !== undefined) parts.push(`from ${from}\n`);
    parts.push(...remove.map((path) => `D ${path}\n`));
    for (const [path, file] of Object.entries(files)) {
      const { mode, content } = typeof file === 'string' || Buffer.isBuffer(file) ? { mode: '100644', content: file } : file;
      parts.push(`M ${mode} inline ${path}\n`, ...dataBlock(content));
    }
    parts.push('get-mark :1\n');
    const input = Buffer.concat(parts.map((part) => Buffer.from(part)));
    return await this.git(['fast-import', '--quiet', '--force', '--date-format=now'], input);
  }
}

function dataBlock(content: string | Buffer): (string | Buffer)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, '\n'];
}

async function runGit(args: readonly string[], directory: string, input: string | Buffer = ''): Promise<string> {
  const child = spawn('git', [...args], { cwd: directory, env: environment });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${code ?? signal}: ${Buffer.concat(errors).toString()}`);
  return Buffer.concat(output).toString().replace(/\n$/, '');
}
