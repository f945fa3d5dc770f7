import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CONTENT_SECURITY_POLICY } from '../../../src/http/page-style.ts';
import { renderPage } from '../../../src/http/render-page.ts';
import { problem } from '../../../src/shared/problem.ts';
import { poolReport, removalHold, runReport, sourceReport, specReport } from '../../support/run-report.ts';

describe('renderPage', () => {
  it('shows specs, pools, holds, problems and sources', () => {
    const page = renderPage(
      runReport({
        leader: { consul: false, kubernetes: false, holder: 'replica-b' },
        specs: [
          specReport('prod/web.yaml', {
            state: 'waiting',
            waiting: [{ leg: 'kubernetes', what: 'draining', on: undefined, untilMs: 1_700_000_010_000 }],
          }),
        ],
        pools: [poolReport('prod', 'web')],
        holds: [removalHold('gone.yaml', 'pool prod/gone')],
        problems: [problem('CONSUL_FORBIDDEN', 'Consul refused to list nodes')],
        sources: [sourceReport('git', { kind: 'stale', reason: problem('GIT_UNREACHABLE', 'no route') })],
      }),
    );
    for (const text of [
      '4f1c0de',
      'stands by for replica-b',
      'prod/web.yaml',
      'draining until 2023-11-14T22:13:30.000Z',
      '<td>30080</td>',
      'pool prod/gone',
      'Consul refused to list nodes',
      'stale: no route',
    ])
      expect(page).toContain(text);
  });

  it('says that every run fails, and since when', () => {
    const page = renderPage(runReport(), { sinceMs: 1_700_000_010_000, says: 'no space <left>' });
    expect(page).toContain('Every run fails since 2023-11-14T22:13:30.000Z: no space &lt;left&gt;.');
  });

  it('escapes everything that comes from elsewhere', () => {
    const nasty = `<script>alert("x")</script>&'`;
    const page = renderPage(
      runReport({
        specs: [specReport(nasty, { problems: [problem('SPEC_SYNTAX', nasty)] })],
        pools: [poolReport('prod', nasty, { service: nasty })],
        holds: [removalHold(nasty, nasty)],
        problems: [problem('INTERNAL', nasty)],
        sources: [sourceReport(nasty)],
      }),
    );
    expect(page).not.toContain('<script>');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;');
  });

  it('leaves out tables without rows, and says when there is no report', () => {
    expect(renderPage(runReport())).not.toContain('<h2>Pools</h2>');
    expect(renderPage(undefined)).toContain('The first run has not ended yet.');
  });

  it('carries the one style sheet that its policy allows, and no script', () => {
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(renderPage(runReport())) ?? [];
    expect(CONTENT_SECURITY_POLICY).toContain(createHash('sha256').update(style).digest('base64'));
    expect(renderPage(runReport())).not.toContain('<script');
  });
});
