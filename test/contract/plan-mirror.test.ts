import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import type { RecordedWorld } from '../../src/core/snapshot/recorded-world.ts';
import { planOnce } from '../../src/once.ts';
import { NOW_MS, world } from '../support/builders.ts';
import { openFolderRig, type Rig, steady } from './spec-source-rig.ts';

const NOWHERE = 'http://127.0.0.1:9';
const KUBECONFIG = JSON.stringify({
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'a' },
  clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:9' } }],
  users: [{ name: 'a', user: {} }],
  contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
});

describe('the mirror of a plan', () => {
  let rig: Rig;
  let temporary: string;
  beforeEach(async () => {
    rig = await openFolderRig();
    temporary = join(rig.mirrorDir, '..', '..', 'temporary');
    await mkdir(temporary);
    vi.stubEnv('TMPDIR', temporary);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rig.close();
  });

  const { specs: _, ...empty } = world({});
  const recorded: RecordedWorld = { recordedAtMs: NOW_MS, owner: 'poolkeeper', cluster: 'a', keyPath: 'kubernetes', world: empty };

  it.each([
    { against: 'the servers', wish: {} },
    { against: 'a snapshot', wish: { recorded } },
  ])('is its own, beside that of a daemon that runs, and gone when it is made against $against', async ({ wish }) => {
    const head = await rig.repository.commit({ 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n' }, 'one');
    const kubeconfig = join(temporary, '..', 'kubeconfig');
    await writeFile(kubeconfig, KUBECONFIG);
    const flags = {
      ...{ cluster: 'a', 'git.url': rig.url, 'git.mirrorDir': rig.mirrorDir },
      ...{ 'kubernetes.kubeconfig': kubeconfig, 'consul.address': NOWHERE },
    };
    const loaded = loadConfig({ env: {}, flags, readFile: () => '' });
    if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems));
    const io = { env: { PATH: process.env['PATH'] }, stdout: { write: () => true } };
    const { report } = await planOnce(loaded.config, { ...io, ...wish }, steady());
    expect(report.revision).toBe(head);
    expect(await readdir(temporary)).toEqual([]);
    await expect(readdir(rig.mirrorDir)).rejects.toThrow('ENOENT');
  });
});
