import type { Problem, ProblemCode } from '../../shared/problem.ts';
import { objectTitle, type PoolKey, poolKey } from '../model/ids.ts';
import type { Policy } from '../model/policy.ts';
import { routeSettings } from '../plan/route-settings.ts';
import { CatalogRoutes } from '../routes/catalog-routes.ts';
import type { FoundConflict } from '../routes/route-conflict.ts';
import { settleRoutes } from '../routes/settle-routes.ts';
import { listParts, parseTag, type Tag, tagText } from '../tags/annotation-tags.ts';
import type { TaggedService } from './check-tags.ts';
import { consulServiceOf } from './check-tree.ts';
import { placeTag } from './place-tag.ts';
import { pairWords, soleWords } from './route-finding.ts';

/** A Service in the catalog that is foreseen. */
interface Party {
  readonly tagged: TaggedService;
  readonly pool: PoolKey;
  /** Its Consul service, or a name of its own where another one has that. */
  readonly service: string;
  readonly tags: readonly Tag[];
  readonly texts: readonly string[];
}

/**
 * What the daemon would say of the routes of these Services, without what their own tags are told of already: middlewares and services that
 * nobody declares, routers that take each other's requests, names that are declared twice. Each is told once, at the tag that it is about.
 */
export function checkRoutes(services: readonly TaggedService[], policy: Policy): readonly Problem[] {
  if (policy.dialect === 'v1') return [];
  const parties = partiesOf(services);
  const foreseen = foresee(parties, policy);
  const told = withoutFollowing(foreseen);
  // What names something missing takes no requests. Where it is declared elsewhere, or will be, it takes those of others.
  const repaired = withoutNaming(parties, foreseen);
  const pairs = repaired === parties ? told : foresee(repaired, policy);
  return joined([...told.filter(isSole), ...pairs.filter((one) => !isSole(one))]).map(problemOf);
}

const isSole = ({ other }: Told): boolean => other === undefined;

function foresee(parties: readonly Party[], policy: Policy): readonly Told[] {
  const claims = parties.map(({ pool, service, texts, tagged }) => ({
    pool,
    spec: tagged.service.file,
    before: [],
    after: [{ service, tags: texts }],
  }));
  const { setAside, standing } = settleRoutes(claims, [], new CatalogRoutes(routeSettings(policy.routes)));
  const byPool = new Map(parties.map((party) => [party.pool, party]));
  const byService = new Map(parties.map((party) => [party.service, party]));
  const heard: readonly Heard[] = [
    ...[...setAside].flatMap(([pool, conflicts]) =>
      conflicts.map((conflict): Heard => ({ conflict, code: 'ROUTE_CONFLICT', yielding: byPool.get(pool) })),
    ),
    ...standing.map((conflict): Heard => ({ conflict, code: conflict.severity === 'error' ? 'ROUTE_CONFLICT_STANDS' : 'ROUTE_DOUBTFUL' })),
  ];
  return heard.flatMap((one) => involve(one, byService, (pool) => setAside.has(pool)) ?? []);
}

/** The very same where nothing is missing. */
function withoutNaming(parties: readonly Party[], told: readonly Told[]): readonly Party[] {
  const naming = new Set(told.flatMap(({ conflict, party }) => namingTag(conflict, party) ?? []));
  if (naming.size === 0) return parties;
  return parties.map((party) => {
    const tags = party.tags.filter((tag) => !naming.has(tag));
    return tags.length === party.tags.length ? party : { ...party, tags, texts: tags.map(tagText) };
  });
}

/** An object that stands in two files takes part once, and of two Services of one Consul name each has its own: both are told elsewhere. */
function partiesOf(services: readonly TaggedService[]): readonly Party[] {
  const parties = new Map<PoolKey, Party>();
  const names = new Set<string>();
  for (const tagged of services) {
    const { service, tags } = tagged;
    const pool = poolKey(service.namespace, service.name);
    if (tags === undefined || parties.has(pool)) continue;
    const name = consulServiceOf(service);
    const own = names.has(name) ? `${name}-${pool}` : name;
    names.add(own);
    parties.set(pool, { tagged, pool, service: own, texts: tags, tags: tags.map(parseTag) });
  }
  return [...parties.values()];
}

interface Heard {
  readonly conflict: FoundConflict;
  readonly code: ProblemCode;
  /** Who is set aside for it. */
  readonly yielding?: Party | undefined;
}

interface Told {
  readonly code: ProblemCode;
  readonly conflict: FoundConflict;
  readonly party: Party;
  readonly other?: Party;
  /** The objects of conflicts that are told in one. */
  readonly names: readonly string[];
  /** False: who takes part beside has to yield as well. */
  readonly isHeld: boolean;
}

/** At whom a conflict is told, and with whom it is. */
function involve(
  { conflict, code, yielding }: Heard,
  byService: ReadonlyMap<string, Party>,
  isAside: (pool: PoolKey) => boolean,
): Told | undefined {
  const all = conflict.declaredBy.flatMap((service) => byService.get(service) ?? []);
  const shadowed = conflict.kind === 'shadowed' ? all.find((party) => declares(party, conflict.what)) : undefined;
  const party = yielding ?? shadowed ?? all.toSorted(byFile).at(-1);
  if (party === undefined) return undefined;
  const others = all.filter((one) => one !== party);
  const holder = others.find(({ pool }) => !isAside(pool));
  const other = holder ?? others[0];
  return { code, conflict, party, names: [conflict.what], isHeld: holder !== undefined, ...(other === undefined ? {} : { other }) };
}

/** Without what breaks since tags are missing that are told of as faulty, and what breaks with that. */
function withoutFollowing(told: readonly Told[]): readonly Told[] {
  const isFollowing = ({ conflict, party }: Told): boolean => conflict.kind === 'broken' && followsFrom(conflict, party);
  const texts = new Set(told.filter(isFollowing).map(soleKey));
  return told.filter((one) => one.conflict.kind !== 'broken' || !texts.has(soleKey(one)));
}

/** Conflicts of names of the same two are told in one, and what breaks a router where it breaks itself. */
function joined(told: readonly Told[]): readonly Told[] {
  const byKey = new Map<string, Told>();
  for (const one of told) {
    const key = keyOf(one);
    const known = byKey.get(key);
    const names = [...new Set([...(known?.names ?? []), ...one.names])];
    byKey.set(key, { ...(known === undefined || isBetter(one, known) ? one : known), names });
  }
  return [...byKey.values()];
}

const byFile = (a: Party, b: Party): number => (a.tagged.service.file < b.tagged.service.file ? -1 : 1);

/** Who keeps the rule is named, not another who yields to it; and the middleware or service that breaks a router, in the same words. */
const isBetter = (one: Told, known: Told): boolean =>
  (one.isHeld && !known.isHeld) ||
  (one.conflict.kind === 'broken' && known.conflict.what.includes('router') && !one.conflict.what.includes('router'));

const soleKey = ({ conflict: { kind, what, message }, party }: Told): string =>
  JSON.stringify([kind, party.pool, message.slice(what.length)]);

/** The conflicts of one key are told in one. */
function keyOf(told: Told): string {
  const { conflict, party, other } = told;
  if (other === undefined) return soleKey(told);
  const parties = [party.pool, other.pool].sort();
  if (conflict.kind === 'same-rule') return JSON.stringify(['same-rule', party.pool, keyFor(conflict, party)]);
  const isOfNames = conflict.kind === 'conflict' || conflict.kind === 'shared-service';
  return JSON.stringify(
    isOfNames ? ['names', ...parties] : ['rules', ...[keyFor(conflict, party), keyFor(conflict, other)].sort(), ...parties],
  );
}

/** Whether a conflict is about an object with a faulty tag, or one that is missing without it. */
function followsFrom(conflict: FoundConflict, party: Party): boolean {
  const { what, message } = conflict;
  const isNaming = namingTag(conflict, party) !== undefined;
  return party.tagged.faulty.some((key) => {
    const [, , kind = '', name = ''] = key.toLowerCase().split('.');
    const isIts = what.toLowerCase().endsWith(`${kind.slice(0, -1)} ${name}`);
    return (isIts && !isNaming) || message.toLowerCase().includes(`"${name}@consulcatalog"`);
  });
}

function problemOf({ code, conflict, party, other, names }: Told): Problem {
  const title = titleOf(party);
  if (other === undefined) {
    const { service } = party.tagged;
    return service.problemOf(
      placeTag(
        { code, ...soleWords(conflict, title, subjectOf(conflict, party)), ...placeOfName(conflict, party) },
        keyFor(conflict, party),
        service,
      ),
    );
  }
  const sides = [
    { place: placeText(conflict, other), title: titleOf(other) },
    { place: placeText(conflict, party), title },
  ] as const;
  const { service } = party.tagged;
  return service.problemOf(placeTag({ code, ...pairWords(conflict, names, sides) }, keyFor(conflict, party), service));
}

const titleOf = ({ tagged: { service } }: Party): string => objectTitle(service.key);

function placeText(conflict: FoundConflict, party: Party): string {
  const { service } = party.tagged;
  const { where } = service.problemOf(placeTag({ code: 'ROUTE_CONFLICT', message: '' }, keyFor(conflict, party), service));
  return `${service.file}:${where?.line ?? 1}`;
}

/** Points at a name in a list that somebody has misspelt. */
function placeOfName(conflict: FoundConflict, party: Party): { readonly skip?: number } {
  const tag = namingTag(conflict, party);
  const name = nameIn(conflict);
  const at = tag?.value?.indexOf(name ?? '') ?? -1;
  return name === undefined || at <= 0 || party.tagged.writtenFor(tag?.key ?? '') !== tag?.key ? {} : { skip: at };
}

/** What a message says that there is none of, without our own provider. */
const nameIn = ({ message }: FoundConflict): string | undefined => /"([^"]+)"/.exec(message)?.[1]?.replace(/@consulcatalog$/, '');

/** The object that a conflict is about: where something is missing, the one that names it. */
function subjectOf(conflict: FoundConflict, party: Party): string {
  const [, , kind = '', name = ''] = namingTag(conflict, party)?.key.split('.') ?? [];
  return name === '' ? conflict.what : `${kind.slice(0, -1)} ${name}`;
}

/** Fields that refer to something by its name. */
const REFERRING = /\.(?:middlewares|service|entrypoints|options|serverstransport)$/i;

function namingTag(conflict: FoundConflict, { tags }: Party): Tag | undefined {
  const name = conflict.kind === 'broken' ? nameIn(conflict) : undefined;
  if (name === undefined) return undefined;
  return tags.find(({ key, value = '' }) => REFERRING.test(key) && listParts(value).includes(name));
}

const declares = (party: Party, what: string): boolean => tagsOf(what, party).length > 0;

function tagsOf(what: string, { tags }: Party): readonly Tag[] {
  const [, protocol = 'http', kind = '', name = ''] = /^(?:(TCP|UDP) )?(router|service|middleware) (.+)$/.exec(what) ?? [];
  const begin = `traefik.${protocol}.${kind}s.${name}.`.toLowerCase();
  return tags.filter(({ key }) => key.toLowerCase().startsWith(begin));
}

/** The key of the written tag that a conflict is about: what names it, else the rule of its router, else the first of the object's, else any rule. */
function keyFor(conflict: FoundConflict, party: Party): string | undefined {
  const own = [conflict.what, ...conflict.objects].flatMap((what) => tagsOf(what, party));
  const isRule = ({ key }: Tag): boolean => /\.rule$/i.test(key);
  const isTogether = conflict.kind === 'instance';
  const tag =
    namingTag(conflict, party) ??
    (isTogether ? party.tags.find(({ key }) => /\.server\.url$/i.test(key)) : undefined) ??
    own.find(isRule) ??
    own[0] ??
    party.tags.find(isRule);
  return tag === undefined ? undefined : (party.tagged.writtenFor(tag.key) ?? undefined);
}
