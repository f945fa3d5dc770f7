import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { PageFile } from './src/http/page-files.ts';

const WEB = join(import.meta.dirname, 'src', 'web');
/** All that a browser loads, before compression. */
const MAX_BYTES = 100_000;

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** A file with the hash of its content in its path. */
function named(name: string, contents: Uint8Array) {
  const dot = name.lastIndexOf('.');
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 10);
  return { name, path: `assets/${name.slice(0, dot)}-${hash}${name.slice(dot)}`, type: TYPES[name.slice(dot + 1)] ?? '', contents };
}

/** Builds the page: its script and its style sheet, minified and named by their content, and the document that loads them. */
export async function buildPage(): Promise<readonly PageFile[]> {
  const { outputFiles } = await build({
    entryPoints: { page: join(WEB, 'main.tsx'), style: join(WEB, 'style.css') },
    bundle: true,
    minify: true,
    write: false,
    outdir: WEB,
    format: 'esm',
    target: ['chrome120', 'firefox120', 'safari17'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
  });
  const icon = await readFile(join(WEB, 'icon.svg'));
  const assets = [
    ...outputFiles.map(({ path, contents }) => named(path.slice(path.search(/[^/\\]+$/)), contents)),
    named('icon.svg', icon),
  ];
  const template = await readFile(join(WEB, 'index.html'), 'utf8');
  const html = assets.reduce((text, { name, path }) => text.replaceAll(`{{${name}}}`, path), template);
  const files = [...assets, { path: '', type: 'text/html; charset=utf-8', contents: Buffer.from(html) }];
  const bytes = files.reduce((sum, { contents }) => sum + contents.length, 0);
  if (bytes > MAX_BYTES) throw new Error(`the page has ${bytes} bytes, more than ${MAX_BYTES}`);
  return files.map(({ path, type, contents }) => ({
    path,
    type,
    brotli: brotliCompressSync(contents).toString('base64'),
    gzip: gzipSync(contents, { level: 9 }).toString('base64'),
  }));
}
