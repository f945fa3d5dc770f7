import { describe, expect, it } from 'vitest';
import { checkFollow, followIdentity, followPath, followRemedy, pickRef } from '../../../../src/adapters/git/follow.ts';

const id = (digit: string) => digit.repeat(40);

describe('checkFollow', () => {
  it('takes the branch unless told otherwise', () => {
    expect(checkFollow({})).toEqual({ kind: 'branch', branch: 'main' });
    expect(checkFollow({ ref: 'live', commit: id('a') })).toEqual({ kind: 'commit', commit: id('a'), branch: 'live' });
  });

  it.each([
    { tag: 'a', semver: '1' },
    { semver: '1', commit: id('a') },
    { semver: 'one' },
    { semver: ' ' },
    { commit: 'abc' },
    { commit: id('A') },
    { tag: '-x' },
    { ref: '-x' },
  ])('refuses %j', (options) => {
    expect(() => checkFollow(options)).toThrow('CONFIG_INVALID');
  });
});

describe('followRemedy', () => {
  it.each([
    [{}, 'Create the branch again or correct `git.ref`;'],
    [{ tag: 'v1' }, 'Push the tag or correct `git.tag`;'],
    [{ semver: '^9' }, 'Push a tag with a version that fits or correct `git.semver`;'],
    [{ commit: id('a') }, 'Create the branch again or correct `git.ref` or `git.commit`;'],
  ])('names the option that is followed: %j', (options, text) => {
    expect(followRemedy(checkFollow(options))).toContain(text);
  });

  it('says how a range is written', () => {
    expect(() => checkFollow({ semver: 'one' })).toThrow('Write it as npm does: "^1.2"');
  });
});

describe('followIdentity', () => {
  it('differs for what reads other files, not for a pinned commit', () => {
    const identities = [{}, { ref: 'live' }, { tag: 'live' }, { semver: '^1' }, { semver: '>=1 <3' }].map((options) =>
      followIdentity(checkFollow(options)),
    );
    expect(new Set(identities).size).toBe(identities.length);
    for (const identity of identities) expect(identity).not.toContain(' ');
    expect(followIdentity(checkFollow({ commit: id('a') }))).toBe('main');
  });

  it('keeps each in a place of its own', () => {
    const all = [{}, { ref: 'live' }, { tag: 'main' }, { semver: '^1' }, { commit: id('a') }];
    expect(new Set(all.map((options) => followPath(checkFollow(options)))).size).toBe(all.length);
  });
});

describe('pickRef', () => {
  const output = [
    `${id('1')}\trefs/heads/main`,
    `${id('2')}\trefs/x/refs/heads/main`,
    `${id('3')}\trefs/tags/v1.2.0`,
    `${id('4')}\trefs/tags/v1.2.0^{}`,
    `${id('5')}\trefs/tags/v1.10.0-rc.1`,
    `${id('6')}\trefs/tags/v1.3.0`,
    `${id('7')}\trefs/tags/-u9.9.9`,
    'warning: not a line of refs',
    '',
  ].join('\n');

  it.each([
    [{}, { id: id('1'), name: 'refs/heads/main' }],
    [{ tag: 'v1.2.0' }, { id: id('4'), name: 'refs/tags/v1.2.0' }],
    [{ tag: 'v1.3.0' }, { id: id('6'), name: 'refs/tags/v1.3.0' }],
    [{ semver: '1' }, { id: id('6'), name: 'refs/tags/v1.3.0' }],
    [{ semver: '~1.2' }, { id: id('4'), name: 'refs/tags/v1.2.0' }],
    [{ semver: '>=1.10.0-0' }, { id: id('5'), name: 'refs/tags/v1.10.0-rc.1' }],
    [{ semver: '2' }, undefined],
    [{ ref: 'none' }, undefined],
  ])('for %j is %j', (options, expected) => {
    expect(pickRef(output, checkFollow(options))).toEqual(expected);
  });
});
