import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { change } from './api.ts';
import { type Asking, asking, mayWrite, signingIn } from './store.ts';

/** Asks whether a change is meant; who may not make it is asked to sign in first. */
export function confirm(what: Asking): void {
  if (mayWrite.value) asking.value = what;
  else signingIn.value = true;
}

/** What a change comes to, and the two buttons: nothing that takes traffic away happens by one click. */
export function Confirm(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const asked = asking.value;
  useEffect(() => {
    if (asked !== undefined && dialog.current?.open === false) dialog.current.showModal();
    if (asked === undefined) dialog.current?.close();
  }, [asked]);
  const close = (): void => {
    setReason('');
    asking.value = undefined;
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (asked === undefined) return;
    const { path, method, body, done } = asked;
    const because = asked.reason === undefined || reason.trim() === '' ? {} : { reason: reason.trim() };
    const sent = { ...body, ...because };
    void change(path, done, { ...(Object.keys(sent).length === 0 ? {} : { body: sent }), ...(method === undefined ? {} : { method }) });
    close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onClose={close}>
      <form onSubmit={submit}>
        <h2 id="confirm-title">{asked?.title}</h2>
        <p>{asked?.says}</p>
        {asked?.reason !== undefined && (
          <label>
            <span>Reason</span>
            <input
              type="text"
              placeholder={asked.reason}
              maxLength={200}
              value={reason}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            {asked?.yes}
          </button>
        </div>
      </form>
    </dialog>
  );
}
