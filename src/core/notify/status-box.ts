import type { Revision } from '../model/ids.ts';
import type { CommitStatus } from '../model/notification.ts';

/** Commit statuses that are to be sent, of each commit the newest only. The oldest commit comes first. */
export type StatusBox = ReadonlyMap<Revision, CommitStatus>;

/** More commits than these do not wait: the oldest are given up. */
const MOST = 50;

/** The box with a status more, and what had to be given up for it: nobody is told of a state that has passed. */
export function addStatus(box: StatusBox, status: CommitStatus): { readonly box: StatusBox; readonly lost: number } {
  const others = [...box].filter(([revision]) => revision !== status.revision);
  const kept = others.slice(Math.max(0, others.length + 1 - MOST));
  return { box: new Map([...kept, [status.revision, status]]), lost: others.length - kept.length };
}

/** The box after a status that could not be sent, and comes last now; a newer one of its commit stands in its place. */
export const putStatusBack = (box: StatusBox, status: CommitStatus): StatusBox =>
  box.has(status.revision) ? box : new Map([...box, [status.revision, status]]);
