import type { EntryPoint } from '../model/translation-policy.ts';
import type { Tag } from './annotation-tags.ts';
import { listParts } from './annotation-tags.ts';
import { entryPointOf } from './keys/redirect.ts';
import { frontendName, middlewareName } from './traefik-names.ts';
import type { Fields, TranslationSite } from './v1-key.ts';

/**
 * The order of the middlewares on a router that keeps what Traefik 1 does (reference: traefik.md 3.1). Redirections stand before
 * changes of the path, because Traefik 1 gives the original path back in them.
 */
const ORDER: readonly string[] = [
  'errors',
  'ipallowlist',
  'redirectscheme',
  'redirectregex',
  'stripprefixregex',
  'stripprefix',
  'addprefix',
  'replacepathregex',
  'replacepath',
  'headers',
  'passtlsclientcert',
  'basicauth',
  'digestauth',
  'forwardauth',
  'circuitbreaker',
  'buffering',
  'inflightreq',
  'ratelimit',
];
const DEFAULT_ENTRY_POINTS = 'http';

/** One frontend of Traefik 1, its options turned. */
export interface Frontend {
  /** NAME of `frontends.NAME`; empty for the plain one. */
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
  /** What they became: `R.…` and `M.…`; those of the backend are among them, under `backend`. */
  readonly fields: Fields;
  readonly backend: Fields;
  /** Name of its Traefik service. */
  readonly service: string;
}

/** What becomes of a frontend, and which tags each of its fields became. */
export interface BuiltFrontend {
  readonly tags: readonly Tag[];
  readonly tagsOf: (field: string) => readonly Tag[];
  /** False when none of its entry points is known: then nothing is built. */
  readonly hasRouter: boolean;
}

interface KnownEntryPoint extends EntryPoint {
  /** Its name in Traefik 1. */
  readonly v1Name: string;
}
interface RouterGroup {
  readonly name: string;
  readonly entryPoints: readonly KnownEntryPoint[];
  readonly tls: boolean;
  readonly isRedirected: boolean;
}
interface Middleware {
  readonly name: string;
  readonly kind: string;
  /** True for the redirections of SSLRedirect, which stand on routers without TLS. */
  readonly ssl: boolean;
  readonly fields: readonly (readonly [field: string, value: string])[];
}

/** The routers and middlewares of a frontend. `base` is the `traefikName` of its Service. */
export function buildFrontend(frontend: Frontend, base: string, site: TranslationSite): BuiltFrontend {
  const own = frontendName(base, frontend.name);
  const groups = groupsOf(frontend, own, site);
  const middlewares = [...middlewaresOf(frontend.fields, own), ...middlewaresOf(frontend.backend, base)].sort(
    (a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1),
  );
  const used = new Set<Middleware>();
  const routerTags = groups.flatMap((group) => {
    const names = middlewares
      .filter((middleware) => stands(middleware, group, frontend.options))
      .map((middleware) => {
        used.add(middleware);
        return middleware.name;
      });
    return routerOf(group, names, frontend);
  });
  const middlewareTags = [...used].flatMap(({ name, kind, fields }) =>
    fields.map(([field, value]): Tag => ({ key: `traefik.http.middlewares.${name}.${kind}.${field}`, value })),
  );
  const tags = [...routerTags, ...middlewareTags];
  const tagsOf = (field: string): readonly Tag[] => {
    const { kind, place, rest } = partsOf(field);
    if (kind === 'R') return routerTags.filter(({ key }) => key.endsWith(`.${rest}`));
    const name = middlewares.find(
      (middleware) =>
        middleware.kind === rest.split('.')[0] && [own, base].some((of) => middleware.name === middlewareName(of, middleware.kind, place)),
    )?.name;
    return middlewareTags.filter(({ key }) => key === `traefik.http.middlewares.${name}.${rest}`);
  };
  return { tags, tagsOf, hasRouter: groups.length > 0 };
}

const rank = ({ kind }: Middleware): number => ORDER.indexOf(kind);

/** A redirection to an entry point stands on the others, one to TLS where there is none; everything else on every router. */
function stands({ kind, ssl }: Middleware, { tls, isRedirected }: RouterGroup, options: Frontend['options']): boolean {
  if (ssl && kind.startsWith('redirect')) return !tls;
  return kind !== 'redirectscheme' || !options.has('frontend.redirect.entryPoint') || isRedirected;
}

/** `M-404.errors.status` taken apart: kind `M`, place `404`, rest `errors.status`. */
function partsOf(field: string): { readonly kind: string; readonly place: string; readonly rest: string } {
  const dot = field.indexOf('.');
  const dash = field.slice(0, dot).indexOf('-');
  return { kind: field.charAt(0), place: dash < 0 ? '' : field.slice(dash + 1, dot), rest: field.slice(dot + 1) };
}

function middlewaresOf(fields: Fields, base: string): readonly Middleware[] {
  const found = new Map<string, { readonly middleware: Middleware; readonly fields: [string, string][] }>();
  for (const [field, value] of Object.entries(fields)) {
    const { kind: what, place, rest } = partsOf(field);
    if (what !== 'M') continue;
    const [kind = '', ...path] = rest.split('.');
    const name = middlewareName(base, kind, place);
    const held: [string, string][] = found.get(name)?.fields ?? [];
    held.push([path.join('.'), value]);
    found.set(name, { middleware: { name, kind, ssl: place === 'ssl', fields: held }, fields: held });
  }
  return [...found.values()].map(({ middleware }) => middleware);
}

/** The entry points of a frontend by what their routers must differ in: TLS, and whether they redirect to another entry point. */
function groupsOf({ options }: Frontend, own: string, site: TranslationSite): readonly RouterGroup[] {
  const written = listParts(options.get('frontend.entryPoints') ?? '');
  const target = options.get('frontend.redirect.entryPoint') ?? '';
  const known = new Map<string, KnownEntryPoint>();
  for (const v1Name of written.length === 0 ? [DEFAULT_ENTRY_POINTS] : written) {
    const entryPoint = entryPointOf(v1Name, site);
    if (entryPoint !== undefined) known.set(v1Name, { ...entryPoint, v1Name });
  }
  return [false, true].flatMap((tls) => {
    const ofKind = [...known.values()].filter((entryPoint) => entryPoint.tls === tls);
    const [redirected, others] = [true, false].map((is) => ofKind.filter(({ v1Name }) => (target !== '' && v1Name !== target) === is));
    const name = tls ? `${own}-tls` : own;
    const group = (entryPoints: readonly KnownEntryPoint[], isRedirected: boolean): RouterGroup => ({
      name: isRedirected && others?.length !== 0 ? `${name}-redirected` : name,
      entryPoints,
      tls,
      isRedirected,
    });
    return [group(others ?? [], false), group(redirected ?? [], true)].filter(({ entryPoints }) => entryPoints.length > 0);
  });
}

function routerOf({ name, entryPoints, tls }: RouterGroup, middlewares: readonly string[], { fields, service }: Frontend): readonly Tag[] {
  const values: readonly (readonly [string, string | undefined])[] = [
    ['entrypoints', [...new Set(entryPoints.map((entryPoint) => entryPoint.name))].join(',')],
    ['middlewares', middlewares.length === 0 ? undefined : middlewares.join(',')],
    ['priority', fields['R.priority']],
    ['rule', fields['R.rule']],
    ['service', service],
    ['tls', tls ? 'true' : undefined],
  ];
  return values.flatMap(([field, value]) => (value === undefined ? [] : [{ key: `traefik.http.routers.${name}.${field}`, value }]));
}
