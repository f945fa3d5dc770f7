import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError, isAbort } from '../../src/shared/errors.ts';
import { freePort } from '../support/free-port.ts';
import type { GitServer } from '../support/git-server.ts';
import { processesWith } from '../support/running-processes.ts';
import {
  complete,
  filesWith,
  openHttpRig,
  PASSWORD,
  pathWith,
  processesDuring,
  type Rig,
  reasonOf,
  steady,
  USER,
} from './spec-source-rig.ts';

describe('a spec source whose server fails', () => {
  let rig: Rig;
  let server: GitServer;
  beforeEach(async () => {
    rig = await openHttpRig();
    if (rig.server === undefined) throw new Error('the rig has no server');
    server = rig.server;
    await rig.repository.commit({ 'a.yaml': 'a' }, 'one');
  });
  afterEach(() => rig.close());

  describe('credentials', () => {
    it('that are wrong are told, and appear nowhere', async () => {
      const wrong = 'canary/wrong@password';
      const commands: string[] = [];
      const source = rig.open({ password: () => wrong, onCommand: (args) => commands.push(args.join(' ')) });
      const snapshot = await source.read('', steady());
      expect(snapshot).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_AUTH_FAILED', next: 'fix-config' } });
      const said = JSON.stringify([snapshot, commands]);
      const forms = [
        wrong,
        encodeURIComponent(wrong),
        Buffer.from(wrong).toString('base64'),
        Buffer.from(`${USER}:${wrong}`).toString('base64'),
      ];
      for (const form of forms) expect(said).not.toContain(form);
    });

    it('that are missing are told', async () => {
      const source = rig.open({ anonymous: true });
      expect(reasonOf(await source.read('', steady())).code).toBe('GIT_AUTH_FAILED');
    });

    it('are asked for at each look, so that they may change', async () => {
      let password = PASSWORD;
      const source = rig.open({ password: () => password });
      complete(await source.read('', steady()));
      server.setPassword('canary-password-2');
      expect(await source.read('', steady())).toMatchObject({ kind: 'stale', reason: { code: 'GIT_AUTH_FAILED' } });
      password = 'canary-password-2';
      complete(await source.read('', steady()));
    });

    it('that cannot be read are told', async () => {
      const source = rig.open({ password: () => Promise.reject(new Error('ENOENT: no such file, open password')) });
      expect(reasonOf(await source.read('', steady()))).toMatchObject({
        code: 'CONFIG_UNREADABLE',
        message: expect.stringContaining('no such file'),
      });
    });

    it('are masked in what git says', async () => {
      const PATH = await pathWith(rig, 'git', `echo "fatal: sent $(env | grep Authorization) for ${PASSWORD}" >&2; exit 128`);
      const { message } = reasonOf(await rig.open({ environment: { PATH } }).read('', steady()));
      expect(message).toContain('Authorization: Basic [redacted] for [redacted]');
    });

    it('are on no command line and in no file of the mirror', async () => {
      const lines = [...(await processesDuring(rig.open().read('', steady()), rig.url))].join('\n');
      expect(lines).toContain('git fetch');
      expect(lines).not.toMatch(/canary|Authorization/);
      expect(await filesWith(rig.mirrorDir, 'canary')).toEqual([]);
      expect(await filesWith(rig.mirrorDir, rig.url)).toHaveLength(1);
    });
  });

  describe('the network', () => {
    it.each([
      { mode: 'down', says: /connect/i },
      { mode: 'failing', says: /500/ },
    ] as const)('makes the snapshot stale when the server is $mode', async ({ mode, says }) => {
      const source = rig.open();
      complete(await source.read('', steady()));
      await server.setMode(mode);
      const snapshot = await source.read('', steady());
      expect(snapshot.kind).toBe('stale');
      expect(reasonOf(snapshot)).toMatchObject({ code: 'GIT_UNREACHABLE', next: 'retry', message: expect.stringMatching(says) });
      await server.setMode('serving');
      complete(await source.read('', steady()));
    });

    it('makes it unavailable when the host or the repository does not exist', async () => {
      const nobody = await rig.open({ url: `http://127.0.0.1:${await freePort()}/specs.git` }).read('', steady());
      expect(nobody).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_UNREACHABLE' } });
      const nothing = await rig.open({ url: rig.url.replace('specs', 'none') }).read('', steady());
      expect(nothing).toMatchObject({ kind: 'unavailable', reason: { code: 'GIT_UNREACHABLE' } });
    });

    it('does not cost the former snapshot when it fails between the look and the fetch', async () => {
      const source = rig.open({
        onCommand: ([command]) => {
          if (command === 'fetch' && rig.clock.nowMs > 1_000_000) void server.setMode('failing');
        },
      });
      const before = complete(await source.read('', steady()));
      await rig.repository.commit({ 'a.yaml': 'b' }, 'two');
      rig.clock.nowMs = 1_030_000;
      expect(await source.read('', steady())).toMatchObject({ kind: 'stale', value: before, reason: { code: 'GIT_UNREACHABLE' } });
      await server.setMode('serving');
      rig.clock.nowMs = 1_000_000;
      expect(complete(await source.read('', steady()))).toMatchObject({ movedAfterMs: 1_000_000 });
    });
  });

  describe('silence', () => {
    it('ends at the deadline, and leaves no process', async () => {
      await server.setMode('hanging');
      const snapshot = await rig.open({ timeoutMs: 300 }).read('', steady());
      expect(reasonOf(snapshot)).toMatchObject({ code: 'GIT_UNREACHABLE', message: expect.stringContaining('0.3 s') });
      expect(await processesWith(rig.url)).toEqual([]);
    });

    it.each(['ls-remote', 'fetch'])('ends with an abort during %s, and leaves no process', async (during) => {
      let hasBegun = false;
      const source = rig.open({
        onCommand: ([command]) => {
          if (command !== during) return;
          hasBegun = true;
          void server.setMode('hanging');
        },
      });
      const stop = new AbortController();
      const reading = source.read('', stop.signal);
      await expect.poll(async () => (hasBegun ? (await processesWith(rig.url)).join('\n') : '')).toContain('remote-http');
      stop.abort();
      const error = await reading.catch((thrown: unknown) => thrown);
      expect(isAbort(error)).toBe(true);
      expect(await processesWith(rig.url)).toEqual([]);
      await server.setMode('serving');
      complete(await rig.open().read('', steady()));
    });

    it('is ended by close, and nothing is read afterwards', async () => {
      await server.setMode('hanging');
      const source = rig.open();
      const reading = source.read('', steady()).catch((thrown: unknown) => thrown);
      await expect.poll(() => processesWith(rig.url)).not.toEqual([]);
      await source.close();
      expect(await processesWith(rig.url)).toEqual([]);
      expect(isAbort(await reading)).toBe(true);
      await expect(source.read('', steady())).rejects.toSatisfy(isAbort);
    });

    it('of one caller does not end the read of another', async () => {
      const source = rig.open();
      const impatient = new AbortController();
      const first = source.read('', impatient.signal);
      const second = source.read('', steady());
      impatient.abort();
      await expect(first).rejects.toSatisfy(isAbort);
      complete(await second);
      expect(rig.commands.filter((command) => command === 'ls-remote')).toHaveLength(1);
    });

    it('is not started by a signal that has aborted', async () => {
      await expect(rig.open().read('', AbortSignal.abort())).rejects.toSatisfy(isAbort);
      expect(rig.commands).toEqual([]);
    });
  });

  it('refuses what it must not be given', () => {
    const problemOf = (options: Parameters<Rig['open']>[0]) => {
      try {
        rig.open(options);
      } catch (error) {
        return error instanceof AppError ? error.problem.code : error;
      }
      return undefined;
    };
    expect(problemOf({ url: 'ext::sh -c touch% /x' })).toBe('GIT_URL_REFUSED');
    expect(problemOf({ url: server.urlWithCredentials })).toBe('GIT_URL_REFUSED');
    expect(problemOf({ ref: '--upload-pack=touch' })).toBe('CONFIG_INVALID');
    expect(problemOf({ root: '../x' })).toBe('CONFIG_INVALID');
    expect(problemOf({ extensions: ['yaml'] })).toBe('CONFIG_INVALID');
  });
});
