import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { AS_DEPLOYED } from '../bench/rig.ts';

it.each(['docker/Dockerfile', 'systemd/poolkeeper.service', 'supervisord/poolkeeper.conf'])(
  'deploy/%s tells glibc what the benchmarks are run with',
  async (file) => {
    const text = await readFile(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
    const told = [...text.matchAll(/\b(MALLOC_\w+)="?(\d+)/g)].map(([, name = '', value = '']) => [name, value] as const);
    expect(Object.fromEntries(told)).toEqual(AS_DEPLOYED);
  },
);
