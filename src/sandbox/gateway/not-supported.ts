import { errorAnswer, type Step } from './gateway-request.ts';

/** The answer where Traefik would do something that the sandbox cannot. */
export const notSupported = (what: string): Step & { readonly kind: 'answer' } => errorAnswer(501, `not supported by the sandbox: ${what}`);
