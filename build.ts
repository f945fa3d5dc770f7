import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { buildPage } from './build-page.ts';

const root = import.meta.dirname;
const folder = join(root, 'dist');

// CommonJS packages inside an ES module still ask for `require` and the name of their file.
const banner = `#!/usr/bin/env node
import { createRequire as createBundleRequire } from 'node:module';
import { dirname as bundleDirname } from 'node:path';
import { fileURLToPath as bundlePath } from 'node:url';
const require = createBundleRequire(import.meta.url);
const __filename = bundlePath(import.meta.url);
const __dirname = bundleDirname(__filename);`;

/** The version in package.json. */
async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string')
    return manifest.version;
  throw new Error('package.json has no version');
}

/** Long after a build nobody starts up from its files any more. */
const OLD_MS = 10 * 60 * 1000;

const page = JSON.stringify(await buildPage());
await mkdir(folder, { recursive: true });
// For those who run the sources; the bundle has it built in.
await writeFile(join(folder, 'page.json'), page);

const { outputFiles, metafile } = await build({
  entryPoints: { poolkeeper: join(root, 'src', 'main.ts') },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  // A command loads what it needs, and no more: `--version` does not read the Kubernetes client.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.19',
  banner: { js: banner },
  define: { POOLKEEPER_VERSION: JSON.stringify(await readVersion()), POOLKEEPER_PAGE: page },
  // Names stay, so that stack traces can be read; white space goes, since the source stays in memory.
  minifyWhitespace: true,
  logLevel: 'info',
  write: false,
  metafile: true,
});

// What is loaded is there before what loads it, so that a program may be started while it is built.
const inOrder = [...outputFiles].sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
for (const { path, contents } of inOrder) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, contents, { mode: 0o755 });
  await rename(`${path}.new`, path);
}
await removeOld(new Set(Object.keys(metafile.outputs).map((path) => basename(path))));

function isEntry(path: string): boolean {
  return dirname(path) === folder;
}

/** Removes the chunks of earlier builds. */
async function removeOld(current: ReadonlySet<string>): Promise<void> {
  const chunks = join(folder, 'chunks');
  for (const name of await readdir(chunks)) {
    if (current.has(name) || Date.now() - (await stat(join(chunks, name))).mtimeMs < OLD_MS) continue;
    await rm(join(chunks, name), { force: true });
  }
}
