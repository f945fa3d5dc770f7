import { describe, expect, it } from 'vitest';
import { isLoading } from '../../../../src/core/plan/follow-time.ts';
import { NOW_MS, POLICY } from '../../../support/builders.ts';
import { answered, gatewayState } from '../../../support/gateway-state.ts';

describe('isLoading', () => {
  it.each([
    ['a start just now', NOW_MS, true],
    ['one as long ago as drains allow', NOW_MS - POLICY.letGoMs, true],
    ['one longer ago', NOW_MS - POLICY.letGoMs - 1, false],
    ['one to come, by a clock that was set back', NOW_MS + 1, false],
  ])('%s', (_name, startedAtMs, expected) => {
    expect(isLoading(answered(gatewayState({}, { startedAtMs })), { policy: POLICY, nowMs: NOW_MS })).toBe(expected);
  });
});
