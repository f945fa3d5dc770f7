import { describe, expect, it } from 'vitest';
import { parseRemote } from '../../../../src/adapters/git/parse-remote.ts';
import { AppError } from '../../../../src/shared/errors.ts';

describe('parseRemote', () => {
  it.each([
    ['https://git.example/a/b.git', 'https', 'https://git.example/a/b.git'],
    ['HTTPS://git.example:8443/b', 'https', 'HTTPS://git.example:8443/b'],
    ['http://[::1]:3000/b', 'http', 'http://[::1]:3000/b'],
    ['ssh://git@git.example:2222/~/b', 'ssh', 'ssh://git.example:2222/~/b'],
    ['git://git.example/b', 'git', 'git://git.example/b'],
    ['file:///srv/git/b.git', 'file', 'file:///srv/git/b.git'],
    ['/srv/git/b.git', 'file', '/srv/git/b.git'],
    ['git@git.example:a/b.git', 'ssh', 'git.example:a/b.git'],
  ])('accepts %s', (url, protocol, identity) => {
    expect(parseRemote(url)).toEqual({ url, protocol, identity });
  });

  it.each([
    ['', 'nothing'],
    ['ext::sh -c id', 'a command'],
    ['ext::sh', 'a helper'],
    ['fd::7', 'a helper'],
    ['ftp://git.example/b', 'an old protocol'],
    ['javascript:alert(1)', 'a script'],
    ['--upload-pack=touch', 'an option'],
    ['-oProxyCommand=x@h:p', 'an option like an scp address'],
    ['u@-oProxyCommand=x:p', 'a host like an option'],
    ['git.example:b', 'an scp address without a user'],
    ['u@host::b', 'an scp address with two colons'],
    ['https:git.example/b', 'a URL without slashes'],
    ['./b', 'a relative path'],
    ['https://git.example/a b', 'a space'],
    ['https://git.example/b\n', 'a line break'],
    ['https://canary@git.example/b', 'a token as user'],
    ['https://u:canary@git.example/b', 'a password'],
    ['ssh://u:canary@git.example/b', 'a password for ssh'],
  ])('refuses %j (%s)', (url) => {
    const attempt = () => parseRemote(url);
    expect(attempt).toThrow(AppError);
    expect(attempt).toThrow(/^GIT_URL_REFUSED/);
    expect(attempt).not.toThrow(/canary/);
  });
});
