// Run by the leak test as a process of its own: starts servers, says where, and waits to be killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { startConsul } from './consul.ts';
import { startKubernetes } from './kubernetes.ts';

const [consul, kubernetes] = await Promise.all([startConsul(), startKubernetes()]);
const pids = [consul, ...Object.values(kubernetes.servers)].map((server) => server.pid());
process.stdout.write(`${JSON.stringify({ pids })}\n`);
// Long enough for the test to kill us; short enough not to stay behind for ever when it does not.
await sleep(60_000);
await Promise.all([consul.stop(), kubernetes.stop()]);
