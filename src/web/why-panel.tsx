import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Explanation } from '../core/report/explanation.ts';
import { open } from './store.ts';
import { useAnswer } from './use-answer.ts';
import { Chain, Verdict } from './why-chain.tsx';

/** Why a URL, a service or a node is, or is not, in traffic. */
export function WhyPanel({ asked }: { readonly asked: string }): JSX.Element {
  const [text, setText] = useState(asked);
  const answer = useAnswer<Explanation>(asked === '' ? undefined : `api/v1/why?name=${encodeURIComponent(asked)}`);
  const ask = (event: Event): void => {
    event.preventDefault();
    if (text.trim() !== '') open({ kind: 'why', name: text.trim() });
  };
  return (
    <article class="detail">
      <p class="eyebrow">Why is it in traffic, or not?</p>
      <h2>Why?</h2>
      <form class="why" onSubmit={ask}>
        <label>
          <span class="hidden">URL, service or node</span>
          <input
            type="text"
            data-focus
            placeholder="https://shop.example.com/cart, prod/shop, worker-1"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary">
          Ask
        </button>
      </form>
      {asked === '' && <p class="quiet">Ask about a URL as a visitor would type it, the name of a service, or of a node.</p>}
      {answer.error !== undefined && <p class="bad">{answer.error}</p>}
      {answer.value !== undefined && (
        <>
          <Verdict explanation={answer.value} />
          {answer.value.pool !== undefined && (
            <p>
              <OpenPool pool={answer.value.pool} />
            </p>
          )}
          <Chain explanation={answer.value} />
        </>
      )}
    </article>
  );
}

const OpenPool = ({ pool }: { readonly pool: string }): JSX.Element => (
  <button type="button" class="plain link" onClick={() => open({ kind: 'row', name: pool })}>
    Everything about {pool}
  </button>
);
