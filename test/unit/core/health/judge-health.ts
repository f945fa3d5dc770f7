import type { Health } from '../../../../src/core/health/health.ts';
import { healthOf } from '../../../../src/core/health/health-of.ts';
import type { JsonObject, LiveObject } from '../../../../src/core/model/objects.ts';
import type { PodTrouble } from '../../../../src/core/model/pods.ts';
import { liveOf } from '../../../support/builders.ts';

/** State and reason. */
export type Expected = readonly [state: Health['state'], reason: string];
export const ready: Expected = ['ready', ''];
export const progressing = (reason: string): Expected => ['progressing', reason];
export const failed = (reason: string): Expected => ['failed', reason];

/** What an object is judged by. */
export interface Given {
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly generation?: number;
  readonly more?: Partial<LiveObject>;
}
/** A live object `prod/web` of this kind. */
export function live(apiVersion: string, kind: string, { spec = {}, status, generation, more }: Given): LiveObject {
  const parts = { ...(status === undefined ? {} : { status }), ...(generation === undefined ? {} : { generation }) };
  return liveOf({ apiVersion, kind, metadata: { name: 'web', namespace: 'prod' } }, { spec, ...parts, ...more });
}
/** A condition of a status. */
export const condition = (type: string, status: string, reason = '', message = ''): JsonObject => ({
  type,
  status,
  ...(reason === '' ? {} : { reason }),
  ...(message === '' ? {} : { message }),
});
/** What `healthOf` says of such an object. */
export function judge(apiVersion: string, kind: string, given: Given, trouble: readonly PodTrouble[] = []): Expected {
  const { state, reason } = healthOf(live(apiVersion, kind, given), trouble);
  return [state, reason];
}
