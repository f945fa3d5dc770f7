import type { CommitStatus, Notification } from '../model/notification.ts';
import type { RunReport } from '../report/run-report.ts';

/** What the last words of commits are as events: one that is in traffic, one that has failed. Pure. */
export function commitEvents(statuses: readonly CommitStatus[], report: RunReport, atMs: number): readonly Notification[] {
  return statuses.flatMap(({ revision, state, description }): readonly Notification[] => {
    if (state !== 'success' && state !== 'failure') return [];
    const by = revision === report.revision && report.commit !== undefined ? ` by ${report.commit.author} (${report.commit.subject})` : '';
    const subject = revision.slice(0, 7);
    const message = `commit ${subject}${by}: ${description}`;
    return [
      { event: state === 'success' ? 'commit-in-traffic' : 'commit-failed', phase: 'once', subject, message, remedy: '', revision, atMs },
    ];
  });
}

/** Tells that this replica leads after another one did. `before`: who led when somebody last knew. Pure. */
export function leaderEvent(before: string | undefined, report: RunReport, atMs: number): readonly Notification[] {
  if (before === undefined || !report.leader.consul) return [];
  const message = `another replica leads now; before it was ${before}`;
  return [{ event: 'leader-changed', phase: 'once', subject: 'leader', message, remedy: '', revision: report.revision ?? '', atMs }];
}

/** Whether this replica is the one that tells: it leads, or nobody can tell who leads Consul and it leads Kubernetes. */
export const tells = ({ leader }: RunReport): boolean => leader.consul || (leader.kubernetes && leader.holder === undefined);
