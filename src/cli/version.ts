// `main.ts` imports from this folder only.
export { VERSION } from '../shared/version.ts';
