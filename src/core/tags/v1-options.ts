/** What becomes of a Traefik 1 option that has no translation: `closes` takes the route away from Traefik 3, `warns` does not. */
export type OptionVerdict = 'translated' | 'closes' | 'warns';

/** Options (without `traefik.`) that `translateV1` reads; the first four in any letter case, as in Traefik 1. */
const TRANSLATED: ReadonlySet<string> = new Set([
  'enable',
  'tags',
  'protocol',
  'weight',
  'backend.weight',
  'backend.loadbalancer',
  'backend.loadbalancer.method',
  'frontend.rule',
  'frontend.entryPoints',
  'frontend.priority',
  'frontend.passHostHeader',
]);
const ANY_CASE: ReadonlySet<string> = new Set(['enable', 'tags', 'protocol', 'weight']);

/**
 * Options that keep someone or something out. A Traefik 3 route without them would be a hole: no password asked, any address let
 * in, plain HTTP answered where Traefik 1 redirects, request headers passed on that Traefik 1 strips, no brake on guessing.
 * `frontends.` is among them because it may put such a guard before a part of the paths.
 */
const GUARDS = /^(?:frontends\.|frontend\.(?:auth|whitelist|redirect|headers|passtlsclientcert|ratelimit))/;

/** Judges an option by its name, without `traefik.`. A guard is recognised in any letter case, to be on the safe side. */
export function judgeOption(option: string): OptionVerdict {
  if (TRANSLATED.has(option) || ANY_CASE.has(option.toLowerCase())) return 'translated';
  return GUARDS.test(option.toLowerCase()) ? 'closes' : 'warns';
}

/** The options by name without `traefik.`, those of any letter case in lower case. */
export function optionName(key: string): string {
  const name = key.slice('traefik.'.length);
  return ANY_CASE.has(name.toLowerCase()) ? name.toLowerCase() : name;
}
