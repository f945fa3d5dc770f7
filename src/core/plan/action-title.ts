import { assertNever } from '../../shared/errors.ts';
import type { Action, NodeAction } from '../model/action.ts';
import { objectTitle } from '../model/ids.ts';

/** What an action is done to, as a person calls it. */
export function actionTitle(action: Action | NodeAction): string {
  switch (action.kind) {
    case 'apply-object':
    case 'delete-object':
      return objectTitle(action.key);
    case 'register-pool':
    case 'deregister-pool':
      return `pool ${action.pool}`;
    case 'write-kv':
      return action.writes.length === 1 ? `key ${action.writes[0]?.key ?? ''}` : `${action.writes.length} keys`;
    case 'ensure-node':
      return `Consul node ${action.node.name}`;
    case 'delete-node':
      return `Consul node ${action.name}`;
    default:
      return assertNever(action);
  }
}

/** What an action changes, in words. */
export function actionChanges(action: Action | NodeAction): readonly string[] {
  switch (action.kind) {
    case 'apply-object':
      return [action.why, ...action.changes];
    case 'register-pool':
      return action.changes;
    case 'delete-object':
    case 'deregister-pool':
    case 'write-kv':
    case 'ensure-node':
      return [action.why];
    case 'delete-node':
      return ['its Kubernetes node is gone'];
    default:
      return assertNever(action);
  }
}

/** The leg that an action writes to. */
export const legOf = (action: Action | NodeAction): 'kubernetes' | 'consul' =>
  action.kind === 'apply-object' || action.kind === 'delete-object' ? 'kubernetes' : 'consul';
