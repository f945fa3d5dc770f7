import { describe, expect, it } from 'vitest';
import { buildSshCommand, isSshPath, refusedHostKey } from '../../../../src/adapters/git/ssh-command.ts';

const base = { keyFile: undefined, knownHostsFile: undefined, timeoutMs: 5_000 };

describe('buildSshCommand', () => {
  it('never asks, and never learns a host key', () => {
    const command = buildSshCommand(base);
    expect(command).toContain('-o BatchMode=yes -o StrictHostKeyChecking=yes');
    expect(command).toContain('-o ConnectTimeout=5');
    expect(command).not.toContain('-F /dev/null');
  });

  it('takes no settings and no keys of the machine when it was given files', () => {
    const command = buildSshCommand({ ...base, keyFile: '/k', knownHostsFile: '/h' });
    for (const part of ['-F /dev/null', 'IdentitiesOnly=yes', 'IdentityAgent=none', 'GlobalKnownHostsFile=/dev/null']) {
      expect(command).toContain(part);
    }
    expect(command).toContain(`-o 'IdentityFile="/k"'`);
    expect(command).toContain(`-o 'UserKnownHostsFile="/h"'`);
  });

  it('quotes paths for ssh and for the shell', () => {
    expect(buildSshCommand({ ...base, keyFile: "/a b/it's 100%" })).toContain(`-o 'IdentityFile="/a b/it'\\''s 100%%"'`);
    expect([isSshPath('/a b/%'), isSshPath('/a"b'), isSshPath(['/$', '{HOME}'].join('')), isSshPath('/a\nb')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('refusedHostKey', () => {
  // Recorded from OpenSSH 9.2.
  it.each([
    {
      output:
        'debug1: Server host key: ssh-ed25519 SHA256:abc\nNo ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.\nHost key verification failed.\n',
      expected: { kind: 'unknown', fingerprint: 'ssh-ed25519 SHA256:abc' },
    },
    {
      output:
        '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:def.\nOffending ED25519 key in /h:1\nHost key verification failed.\n',
      expected: { kind: 'changed', fingerprint: 'SHA256:def' },
    },
    { output: 'Host key verification failed.\n', expected: { kind: 'unknown', fingerprint: undefined } },
    { output: 'git@git.example: Permission denied (publickey).\n', expected: undefined },
  ])('is $expected', ({ output, expected }) => {
    expect(refusedHostKey(output)).toEqual(expected);
  });
});
