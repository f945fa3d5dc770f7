import { describe, expect, it } from 'vitest';
import { tellReady } from '../../../src/cli/tell-ready.ts';
import { runReport } from '../../support/run-report.ts';

function told(once: boolean): string {
  const lines: string[] = [];
  tellReady((line) => lines.push(line), {
    report: runReport(),
    summary: {
      requests: { ok: 3, failed: 0 },
      latencySeconds: { total: 0.5 },
    },
    samples: [{ router: 'web', entryPoint: 'web', method: 'GET', host: 'www.example.com', path: '/app' }],
    urls: { web: 'http://127.0.0.1:4001' },
    repository: '/demo/specs',
    daemon: 'http://127.0.0.1:4002',
    once,
  });
  return lines.join('\n');
}

describe('tellReady', () => {
  it('has lines for status and why that find the daemon of the demo', () => {
    expect(told(false).split('\n')).toEqual(
      expect.arrayContaining([
        "  curl -H 'Host: www.example.com' http://127.0.0.1:4001/app",
        '  poolkeeper status --url http://127.0.0.1:4002',
        '  poolkeeper why http://www.example.com/app --url http://127.0.0.1:4002',
      ]),
    );
  });

  it('offers nothing to try where the demo ends at once', () => {
    expect(told(true)).toContain('3 answered by a node, 0 not.');
    expect(told(true)).not.toContain('poolkeeper');
  });
});
