import { describe, expect, it } from 'vitest';
import { createColors } from '../../../src/cli/colors.ts';
import { renderWhy } from '../../../src/cli/render-why.ts';
import type { Explanation, Link } from '../../../src/core/report/explanation.ts';
import { callCli } from '../../support/call-cli.ts';
import { reportServers } from '../../support/report-server.ts';
import { runReport, sourceReport } from '../../support/run-report.ts';

const link = (name: Link['link'], state: Link['state'], more: Partial<Link> = {}): Link => ({
  link: name,
  state,
  code: 'ok',
  says: `this is ${state}`,
  facts: [],
  ageMs: 1_000,
  ...more,
});
const broken = link('pods', 'broken', { code: 'image-pull', says: 'no such image', facts: ['pod web-1'], remedy: 'Correct it.' });
const answer: Explanation = {
  asked: { kind: 'name', value: 'web' },
  about: 'pool prod/web',
  verdict: 'out',
  says: 'pool prod/web is not in traffic: no such image',
  links: [
    link('commit', 'ok', { ageMs: 90_000 }),
    broken,
    link('router', 'waiting', { facts: ['not shown'] }),
    link('probe', 'not-watched'),
  ],
  cause: broken,
  runAgeMs: 2_000,
  sources: [
    sourceReport('git', { ageMs: 90_000 }),
    sourceReport('consul', { kind: 'unavailable', ageMs: undefined }),
    sourceReport('objects:apps/Deployment'),
  ],
};

describe('renderWhy', () => {
  it('has a line for each step, the facts of the broken one, what to do, and how old it all is', () => {
    expect(renderWhy(answer, createColors(false), false)).toBe(`pool prod/web is not in traffic: no such image

✓ ok           commit  this is ok  1m 30s ago
✗ broken       pods    no such image [image-pull]
                       pod web-1
… waiting      router  this is waiting
- not watched  probe   this is not-watched

To do: Correct it.
Seen by the last run 2s ago; git 1m 30s, consul never (unavailable)
`);
  });

  it('shows every fact when asked to', () => {
    expect(renderWhy(answer, createColors(false), true)).toContain('not shown');
  });

  it('marks the broken step where there are colours', () => {
    expect(renderWhy(answer, createColors(true), false)).toContain('\u001b[1mpods    no such image [image-pull]\u001b[22m');
  });

  it('lets nothing that others wrote steer the terminal', () => {
    const links = [link('commit', 'ok', { says: 'r1 by \u001b[2JEve\n✓ ok' })];
    const { cause: _, ...rest } = { ...answer, links };
    expect(renderWhy(rest, createColors(false), false)).toContain('r1 by  [2JEve ✓ ok\n');
  });
});

describe('why', () => {
  const { serve } = reportServers();

  async function cli(told: Explanation, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const url = await serve([runReport()], { why: (asked) => ({ ...told, asked }) });
    return callCli(['why', ...argv, '--url', url], { env, isTerminal: true });
  }

  it('ends with 0 only for what is in traffic with nothing broken on the way', async () => {
    const codes = [];
    for (const verdict of ['in-traffic', 'degraded', 'out', 'unknown'] as const)
      codes.push((await cli({ ...answer, verdict }, ['web'])).code);
    expect(codes).toEqual([0, 1, 1, 1]);
  });

  it('asks about a URL as such, and leaves it to the daemon what any other name is', async () => {
    const asked = async (thing: string): Promise<unknown> => JSON.parse((await cli(answer, [thing, '--output', 'json'])).stdout);
    expect(await asked('https://a.example.com/b?c=d')).toMatchObject({ asked: { kind: 'url', value: 'https://a.example.com/b?c=d' } });
    expect(await asked('prod/web')).toMatchObject({ asked: { kind: 'name', value: 'prod/web' } });
  });

  it('writes no colours where NO_COLOR is set', async () => {
    expect((await cli(answer, ['web'])).stdout).toContain('\u001b[');
    expect((await cli(answer, ['web'], { NO_COLOR: '1' })).stdout).not.toContain('\u001b[');
  });

  it('refuses what is no question as wrong usage, before any daemon is asked', async () => {
    const refused = await callCli(['why', 'ftp://a', '--url', 'http://127.0.0.1:1'], { env: {}, isTerminal: true });
    expect(refused).toMatchObject({ code: 64, stdout: '' });
    expect(refused.stderr).toContain('error: cannot ask about "ftp://a": url is not an http or https URL.');
    expect(refused.stderr).not.toContain('DAEMON_UNREACHABLE');
  });
});
