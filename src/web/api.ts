import { notice, signingIn, token } from './store.ts';

/** What the server said when it could not do what was asked, in words. */
export class RequestError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const ANSWER_MS = 10_000;

/** Reads JSON; throws a RequestError with the words of the server, or why there are none. */
export const read = async <T>(path: string): Promise<T> => (await ask(path, {})) as T;

/** Asks for a change; tells how it went in the notice. True when it was taken. */
export async function change(path: string, what: string, sent: Sent = {}): Promise<boolean> {
  try {
    await send(path, token.value, sent);
    notice.value = { tone: 'good', text: what };
    return true;
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) {
      token.value = undefined;
      signingIn.value = true;
    }
    notice.value = { tone: 'bad', text: error instanceof Error ? error.message : String(error) };
    return false;
  }
}

/** Has the daemon look at a token and keeps it when it is right; what it said otherwise. */
export async function signIn(given: string): Promise<string | undefined> {
  try {
    await send('api/v1/token', given, {});
    token.value = given;
    notice.value = { tone: 'good', text: 'Signed in until this page is closed.' };
    return undefined;
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    return error instanceof RequestError && error.status === 401 ? says : `The token could not be checked. ${says}`;
  }
}

interface Sent {
  readonly method?: 'POST' | 'DELETE';
  readonly body?: object;
}

const send = (path: string, bearer: string | undefined, { method = 'POST', body }: Sent): Promise<unknown> =>
  ask(path, {
    method,
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function ask(path: string, init: RequestInit): Promise<unknown> {
  const answer = await fetch(path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
  if (answer === undefined) throw new RequestError(0, 'The daemon does not answer.');
  const body: unknown = answer.status === 204 ? undefined : await answer.json().catch(() => undefined);
  if (answer.ok) return body;
  const { detail = `The daemon answered ${answer.status}.`, remedy = '' } = (body ?? {}) as { detail?: string; remedy?: string };
  throw new RequestError(answer.status, `${detail} ${remedy}`.trim());
}
