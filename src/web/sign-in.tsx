import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { change } from './api.ts';
import { signingIn, token } from './store.ts';

/** The form for the token that changes need. */
export function SignIn(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const wanted = signingIn.value;
  useEffect(() => {
    if (wanted && dialog.current?.open === false) dialog.current.showModal();
    if (!wanted) dialog.current?.close();
  }, [wanted]);
  const close = (): void => {
    setText('');
    signingIn.value = false;
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    token.value = text.trim();
    if (await change('api/v1/token', 'Signed in until this page is closed.')) close();
  };
  return (
    <dialog ref={dialog} aria-labelledby="sign-in-title" onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="sign-in-title">Sign in</h2>
        <p class="quiet">Changes need the token of the daemon (http.tokenFile). It is kept in this page only, until it is closed.</p>
        <label>
          <span>Token</span>
          <input type="password" autocomplete="off" required value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            Sign in
          </button>
        </div>
      </form>
    </dialog>
  );
}
