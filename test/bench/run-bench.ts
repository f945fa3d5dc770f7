/**
 * `npm run bench -- NAME`: runs one benchmark and prints one JSON object. Figures are medians of real servers on this machine,
 * with the floor measured in the same run: quote ratios, not milliseconds. `-- kubernetes 300` measures with 300 services only,
 * `-- consul 50 5 5 2` with 50 services on 5 nodes, a rest of 5 s and 2 commits, `-- traefik 50 20` with a pool of 50 and 20 changes,
 * `-- specs 100` with 100 files, `-- page 1000 20` with 1,000 services on 20 nodes.
 */
const benches: Readonly<Record<string, (sizes: number[] | undefined) => Promise<unknown>>> = {
  spine: async () => await (await import('./spine.ts')).benchSpine(),
  kubernetes: async (sizes) => await (await import('./kubernetes.ts')).benchKubernetes(sizes),
  consul: async (sizes) => await (await import('./consul.ts')).benchConsul(sizes),
  traefik: async (sizes) => await (await import('./traefik.ts')).benchTraefik(sizes),
  specs: async (sizes) => await (await import('./specs.ts')).benchSpecs(sizes),
  page: async (sizes) => await (await import('./page.ts')).benchPage(sizes),
};

const name = process.argv[2] ?? '';
const given = process.argv.slice(3).flatMap((argument) => argument.split(',').map(Number));
const sizes = given.length === 0 ? undefined : given;
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(benches).join('|')} [SIZES]\n`);
  process.exitCode = 64;
} else {
  process.stdout.write(`${JSON.stringify(await bench(sizes), null, 2)}\n`);
}
