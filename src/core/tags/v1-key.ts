import type { EntryPoint, TranslationPolicy } from '../model/translation-policy.ts';

/**
 * How well Traefik 3 can say what a Traefik 1 tag says. *exact*: nothing to tell. *rewritten*: the same in other words, told as a
 * note. *approximate*: nearly the same, a warning, or an error when the configuration is strict. *impossible*: an error.
 */
export type TranslationClass = 'exact' | 'rewritten' | 'approximate' | 'impossible';

/** What is told of one tag. *unknown*: Traefik 1 does not read it, or not this value of it; a warning. */
export interface Told {
  readonly class: TranslationClass | 'unknown';
  /** The end of a sentence that begins with the tag. */
  readonly reason: string;
  /** What to do; absent: what the catalogue of problems says. */
  readonly remedy?: string;
}

/**
 * A place in the configuration of Traefik 3, as the keys of its tags name it: `S.` for the Traefik service, `R.` for each router,
 * `M.` for the middleware of that kind and `M-NAME.` for the one of that kind and name, such as `M-404.errors.status`.
 */
export type Fields = Readonly<Record<string, string>>;

/** What one value became. Without `told`, what its row says of every value is told. */
export interface Turned {
  readonly fields?: Fields;
  readonly told?: Told;
}

/** What a value is turned in the light of. */
export interface TurnContext {
  /** The options of this frontend (`frontend.…`) and of the backend, without `traefik.`, deprecated names folded, values unescaped; the rule as written. */
  readonly options: ReadonlyMap<string, string>;
  /** What stands for NAME in the key; empty for a key without it. */
  readonly name: string;
  /** NAME of `frontends.NAME`; empty for the plain frontend. */
  readonly frontend: string;
  readonly site: TranslationSite;
}

/** All that the translation knows beside the tags of one Service. */
export interface TranslationSite extends TranslationPolicy {
  /** Traefik 1 entry point → Traefik 3 entry point. */
  readonly entryPoints: Readonly<Record<string, EntryPoint>>;
  /** The Consul service. */
  readonly service: string;
  /** The tags as Traefik 1 sees them, for the templates of rules. */
  readonly attributes: readonly string[];
  /** True when there are `frontends.NAME` beside the plain frontend. */
  readonly severalFrontends: boolean;
  /** The Traefik 3 service that stands for a Consul service, and whether that is only supposed. */
  readonly traefikService: (consulService: string) => { readonly name: string; readonly supposed: boolean };
}

/** One row of the table: a tag of Traefik 1 and what becomes of it. */
export interface V1Key {
  /** Without `traefik.`. NAME stands for a name of the writer's. `frontend.…` also stands for `frontends.NAME.…`. */
  readonly key: string;
  /** Of an ordinary value; others may be turned worse. */
  readonly class: TranslationClass;
  /** The Traefik 3 tag, for the reference and for simple turns. */
  readonly to: string;
  /** Why it is not exact, as the end of a sentence that begins with the tag; needed for every class but *exact*. */
  readonly remark?: string;
  readonly remedy?: string;
  readonly turn: (value: string, to: string, context: TurnContext) => Turned;
}

/** An old name of a key. Where both are written, Traefik 1 reads the new one, but for those marked `wins`. */
export interface DeprecatedKey {
  readonly key: string;
  readonly now: string;
  readonly wins?: true;
}

/** Sets nothing, silently: the value says what both versions do by default. */
export const NOTHING: Turned = { told: { class: 'exact', reason: '' } };

/** A value that Traefik 1 does not read either: both go on as if the tag were not there. */
export const unread = (value: string, expects: string): Turned => ({
  told: { class: 'unknown', reason: `is ${JSON.stringify(value)}, which Traefik 1 does not take for ${expects}; it is left out` },
});

/** An option that does nothing in Traefik 1 without another one. */
export const idle = (reason: string): Turned => ({
  told: { class: 'unknown', reason: `does nothing in Traefik 1 ${reason}; it is left out` },
});

export const impossible = (reason: string, remedy?: string): Turned => ({
  told: { class: 'impossible', reason, ...(remedy === undefined ? {} : { remedy }) },
});

/** The field of a middleware or service with its NAME filled in. */
export const placed = (to: string, { name }: TurnContext): string => to.replace('M-NAME', `M-${name}`);
