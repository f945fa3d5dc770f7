import type { JSX } from 'preact';
import { confirm } from './confirm.tsx';
import { mayWrite, overview } from './store.ts';

/** Leaves a spec as it is until it is resumed, or resumes it; after a question. */
export function SuspendButton({ spec }: { readonly spec: string }): JSX.Element {
  const suspensions = overview.value?.head.suspensions ?? [];
  const all = suspensions.some((one) => one.spec === undefined);
  const isSuspended = suspensions.some((one) => one.spec === spec);
  if (all && !isSuspended) return <span class="quiet">Every spec is suspended.</span>;
  const ask = (): void =>
    isSuspended
      ? confirm({
          title: `Resume ${spec}?`,
          says: 'The next run brings about what was committed meanwhile.',
          yes: 'Resume',
          path: `api/v1/suspensions?spec=${encodeURIComponent(spec)}`,
          method: 'DELETE',
          done: `${spec} is resumed.`,
        })
      : confirm({
          title: `Suspend ${spec}?`,
          says: 'What it has stays as it is, and commits to it wait until it is resumed. Its nodes go on to come and go.',
          reason: 'Such as: we debug it by hand',
          yes: 'Suspend',
          path: 'api/v1/suspensions',
          body: { spec },
          done: `${spec} is suspended.`,
        });
  const verb = isSuspended ? 'Resume' : 'Suspend';
  return (
    <button type="button" class="button" onClick={ask}>
      {mayWrite.value ? verb : `Sign in to ${verb.toLowerCase()}`}
    </button>
  );
}
