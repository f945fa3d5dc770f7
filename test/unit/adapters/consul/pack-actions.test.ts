import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits, packActions, prepareAction, sizeOf } from '../../../../src/adapters/consul/pack-actions.ts';
import { fenceOperation } from '../../../../src/adapters/consul/registry-write.ts';
import { LEAST_LIMITS, limitsOfVersion, lowerLimits } from '../../../../src/adapters/consul/transaction-limits.ts';
import type { RegistryAction } from '../../../../src/core/model/action.ts';
import { kvKey } from '../../../../src/core/model/ids.ts';

const action = (writes: number, length: number): RegistryAction => ({
  kind: 'write-kv',
  writes: Array.from({ length: writes }, (_, at) => ({ key: kvKey(`ü/${at}`), value: 'x'.repeat(length), modifyIndex: 0 })),
  why: 'test',
});

describe('packActions', () => {
  const limits = { operations: 10, bytes: 5_000 };
  const actions = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(600)), { maxLength: 30 });

  it('keeps every action whole and in order, and every transaction within the limits as it is sent', () => {
    fc.assert(
      fc.property(actions, (sizes) => {
        const prepared = sizes.map(([writes, length], index) => prepareAction(action(writes, length), index, 1));
        const batches = [...packActions(prepared, () => limits)];
        expect(batches.flat()).toEqual(prepared);
        for (const batch of batches) {
          expect(batch.length === 1 || fits(batch, limits)).toBe(true);
          const sent = [
            fenceOperation({ key: kvKey('k'.repeat(100)), session: 's'.repeat(36) }),
            ...batch.flatMap((part) => part.operations),
          ];
          expect(sizeOf(batch).operations).toBe(sent.length);
          expect(sizeOf(batch).bytes).toBeGreaterThanOrEqual(Buffer.byteLength(JSON.stringify(sent)));
        }
      }),
    );
  });

  it('begins no transaction that the one before had room for', () => {
    const prepared = Array.from({ length: 18 }, (_, index) => prepareAction(action(1, 1), index, 1));
    expect([...packActions(prepared, () => limits)].map((batch) => batch.length)).toEqual([9, 9]);
  });
});

describe('transaction limits', () => {
  it.each([
    ['1.13.9', 64],
    ['1.14.0', 128],
    ['1.21.0+ent', 128],
    ['2.0.0', 128],
    ['', 64],
    ['development', 64],
  ])('Consul %s takes %i operations', (version, operations) => {
    expect(limitsOfVersion(version).operations).toBe(operations);
  });

  it('learns what a refusal names, else half of what was sent', () => {
    const limits = limitsOfVersion('1.21.0');
    const sent = { operations: 100, bytes: 40_000 };
    expect(lowerLimits(limits, sent, 'Transaction contains too many operations (100 > 64)')).toEqual(LEAST_LIMITS);
    expect(lowerLimits(limits, sent, 'Request body(40000 bytes) too large, max size: 30000 bytes. See x')).toEqual({
      operations: 128,
      bytes: 30_000,
    });
    expect(lowerLimits(limits, sent, '<html>413</html>')).toEqual({ operations: 50, bytes: 20_000 });
  });
});
