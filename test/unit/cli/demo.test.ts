import { describe, expect, it } from 'vitest';
import type { DemoSummary } from '../../../src/cli/demo.ts';
import { runDemo } from '../../../src/cli/demo.ts';

describe('the demo', () => {
  it('brings every example from a commit to traffic, and leaves nothing behind', async () => {
    const lines: string[] = [];
    const complaints: string[] = [];
    const code = await runDemo({
      once: true,
      json: true,
      env: process.env,
      stdout: { write: (text) => lines.push(text) },
      stderr: { write: (text) => complaints.push(text) },
      signal: new AbortController().signal,
    });
    expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
    expect(lines).toHaveLength(1);
    const summary = JSON.parse(lines[0] ?? '') as DemoSummary;
    expect(summary.revision).toMatch(/^[0-9a-f]{40}$/);
    expect(summary.pools.map(({ service, backends }) => [service, backends])).toEqual([
      ['orders-api', 3],
      ['echoserver', 3],
      ['web', 3],
      ['shop', 3],
    ]);
    expect(summary.requests).toEqual({ ok: 18, failed: 0 });
    expect(summary.latencySeconds.total).toBeGreaterThan(0);
  });
});
