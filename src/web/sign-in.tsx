import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signIn } from './api.ts';
import { signingIn } from './store.ts';

/** The form for the token that changes need. */
export function SignIn(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState<string>();
  const wanted = signingIn.value;
  useEffect(() => {
    if (wanted && dialog.current?.open === false) dialog.current.showModal();
    if (!wanted) dialog.current?.close();
  }, [wanted]);
  const close = (): void => {
    setText('');
    setWrong(undefined);
    signingIn.value = false;
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const said = await signIn(text.trim());
    if (said === undefined) close();
    else setWrong(said);
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
        {wrong !== undefined && (
          <p class="bad" role="alert">
            {wrong}
          </p>
        )}
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
