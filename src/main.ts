import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { crashText } from './cli/crash-text.ts';
import { EXIT } from './cli/exit-codes.ts';
import { loadModules } from './cli/load-modules.ts';
import { VERSION } from './cli/version.ts';
import { writeFile } from './cli/write-file.ts';
import { boundYoungGeneration } from './cli/young-generation.ts';

const YOUNG_BYTES = 8 * 1024 * 1024;

// Node 20 fails deep inside the Kubernetes client; say so at the door.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`poolkeeper needs Node.js 22.19 or later; this is ${process.versions.node}.\n`);
  process.exit(1);
}

// A daemon that rests most of the time: V8 would let the heap grow to several times what lives in it, since the machine has
// memory to spare. Measured with 300 services: 320 MiB resident without these two, 170 with them, at the same speed.
boundYoungGeneration(YOUNG_BYTES);
setFlagsFromString('--heap-growing-percent=20');

const stop = new AbortController();
/** 128 + the number of the signal, as shells count. */
let stopCode = 130;

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    stopCode = name === 'SIGINT' ? 130 : 143;
    // Who asks twice does not want to wait for a graceful end.
    if (stop.signal.aborted) process.exit(stopCode);
    stop.abort();
  });
}

process.on('unhandledRejection', (reason) => fail(reason));
process.on('uncaughtException', (error) => fail(error));

// `poolkeeper status | head` closes the pipe early: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  fail(error);
});

const argv = process.argv.slice(2);
// The one question that needs no command line: scripts and health checks ask it often.
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
  process.exit(0);
}

const { runCli } = await import('./cli/run-cli.ts');
const { readNamed, readStream } = await import('./cli/read-input.ts');
const code = await runCli({
  argv,
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stdout.isTTY,
  readFile: (path) => readFileSync(path, 'utf8'),
  readInput: async (path, signal) =>
    new TextDecoder().decode(await (path === '-' ? readStream(process.stdin, signal) : readNamed(path, signal))),
  writeFile,
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  hasErrorTerminal: process.stderr.isTTY,
  now: () => Date.now(),
  signal: stop.signal,
  load: loadModules,
});
process.exitCode = code === EXIT.interrupted ? stopCode : code;

// Everything is stopped, so the process ends by itself; should a socket linger, it ends all the same.
setTimeout(() => process.exit(), 3000).unref();

/** Questions go to stderr: what is written to stdout is the answer. */
async function ask(question: string): Promise<string | undefined> {
  const { askOn } = await import('./cli/ask-terminal.ts');
  return askOn({ input: process.stdin, output: process.stderr, interrupt: () => stop.abort() }, question, stop.signal);
}

function fail(error: unknown): never {
  process.stderr.write(crashText(error));
  process.exit(1);
}
