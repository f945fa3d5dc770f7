/**
 * `npm run bench -- NAME`: runs one benchmark and prints one JSON object. Figures are medians of real servers on this machine,
 * with the floor measured in the same run: quote ratios, not milliseconds.
 */
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  spine: async () => await (await import('./spine.ts')).benchSpine(),
};

const name = process.argv[2] ?? '';
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benches).join('|')}\n`);
  process.exitCode = 64;
} else {
  process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`);
}
