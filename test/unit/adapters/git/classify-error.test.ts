import { describe, expect, it } from 'vitest';
import { classifyError, timeoutProblem } from '../../../../src/adapters/git/classify-error.ts';

const url = 'https://git.example/b.git';
const what = `git fetch of ${url}`;

describe('classifyError', () => {
  // Recorded from git 2.39, curl and OpenSSH.
  it.each([
    ['GIT_AUTH_FAILED', `fatal: Authentication failed for '${url}/'`],
    ['GIT_AUTH_FAILED', `fatal: could not read Username for 'https://git.example': terminal prompts disabled`],
    ['GIT_AUTH_FAILED', `fatal: unable to access '${url}/': The requested URL returned error: 403`],
    ['GIT_AUTH_FAILED', 'remote: HTTP Basic: Access denied'],
    ['GIT_AUTH_FAILED', 'git@git.example: Permission denied (publickey).\nfatal: Could not read from remote repository.'],
    ['GIT_HOST_KEY_UNKNOWN', 'Host key verification failed.\nfatal: Could not read from remote repository.'],
    ['GIT_HOST_KEY_CHANGED', '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nOffending key in /h:1\nHost key verification failed.'],
    ['GIT_AUTH_FAILED', 'WARNING: UNPROTECTED PRIVATE KEY FILE!\nLoad key "/k": bad permissions'],
    ['GIT_AUTH_FAILED', 'Load key "/k": error in libcrypto\ngit@git.example: Permission denied (publickey).'],
    ['GIT_AUTH_FAILED', `fatal: unable to access '${url}/': GnuTLS recv error (-12): A TLS fatal alert has been received.`],
    ['GIT_AUTH_FAILED', `fatal: unable to access '${url}/': tlsv13 alert certificate required, errno 0`],
    ['GIT_UNREACHABLE', `fatal: unable to access '${url}/': Received HTTP code 407 from proxy after CONNECT`],
    ['GIT_UNREACHABLE', `fatal: unable to access '${url}/': CONNECT tunnel failed, response 403`],
    ['GIT_REF_MISSING', "fatal: couldn't find remote ref refs/heads/gone"],
    ['GIT_UNREACHABLE', `fatal: unable to access '${url}/': Could not resolve host: git.example`],
    [
      'GIT_UNREACHABLE',
      `fatal: unable to access '${url}/': Failed to connect to git.example port 443 after 0 ms: Couldn't connect to server`,
    ],
    ['GIT_UNREACHABLE', `fatal: unable to access '${url}/': SSL certificate problem: self-signed certificate`],
    ['GIT_UNREACHABLE', `fatal: unable to access '${url}/': The requested URL returned error: 503`],
    ['GIT_UNREACHABLE', `fatal: unable to access '${url}/': The requested URL returned error: 301`],
    ['GIT_UNREACHABLE', `fatal: repository '${url}/' not found`],
    ['GIT_UNREACHABLE', "fatal: '/srv/none' does not appear to be a git repository"],
    ['GIT_UNREACHABLE', 'fatal: the remote end hung up unexpectedly'],
    ['GIT_UNREACHABLE', 'error: RPC failed; curl 28 Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds'],
    ['GIT_UNREACHABLE', 'ssh: connect to host git.example port 22: Connection timed out'],
    ['GIT_READ_FAILED', 'fatal: write error: No space left on device'],
  ])('is %s for a remote that says %j', (code, output) => {
    expect(classifyError({ what, output, remote: true }).code).toBe(code);
  });

  it('takes nothing that a local command says for a failure of the remote', () => {
    const failed = { what: 'reading 3 files from the mirror', remote: false };
    expect(classifyError({ ...failed, output: 'fatal: access denied' })).toMatchObject({ code: 'GIT_READ_FAILED', next: 'retry' });
    expect(classifyError({ ...failed, output: 'Error: spawn git ENOENT\n    at ChildProcess' })).toMatchObject({
      next: 'fix-config',
      message: 'reading 3 files from the mirror failed: Error: spawn git ENOENT',
    });
  });

  it('says what failed and why on one line of bounded length', () => {
    const { message } = classifyError({ what, output: `error: first\nhint: try\r\n\n  fatal: ${'x'.repeat(500)}\n`, remote: true });
    expect(message).toMatch(/^git fetch of https:\/\/git\.example\/b\.git failed: error: first; fatal: x+…$/);
    expect(message.length).toBeLessThan(400);
  });
});

describe('what ssh tells by the way', () => {
  it('is left out of the message', () => {
    const output = 'OpenSSH_9.2p1\r\ndebug1: Connecting to git.example\r\ngit@git.example: Permission denied (publickey).\r\n';
    expect(classifyError({ what, output, remote: true }).message).toBe(`${what} failed: git@git.example: Permission denied (publickey).`);
  });
});

describe('timeoutProblem', () => {
  it('blames the remote only for what went there', () => {
    expect(timeoutProblem({ what, remote: true }, 1500)).toMatchObject({
      code: 'GIT_UNREACHABLE',
      message: `${what} had not ended after 1.5 s`,
    });
    expect(timeoutProblem({ what: 'listing', remote: false }, 1500).code).toBe('GIT_READ_FAILED');
  });
});
