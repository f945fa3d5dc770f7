import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = import.meta.dirname;
const outfile = join(root, 'dist', 'poolkeeper.mjs');

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

await build({
  entryPoints: [join(root, 'src', 'main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.19',
  banner: { js: banner },
  define: { POOLKEEPER_VERSION: JSON.stringify(await readVersion()) },
  // Names stay, so that stack traces can be read; white space goes, since the source stays in memory.
  minifyWhitespace: true,
  logLevel: 'info',
});
await chmod(outfile, 0o755);
