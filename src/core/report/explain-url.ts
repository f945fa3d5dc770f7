import type { PoolView } from '../desired/pool-view.ts';
import type { GatewayState } from '../model/gateway.ts';
import type { ReplicaName } from '../model/ids.ts';
import { snapshotValue } from '../model/snapshot.ts';
import type { ExpectedRoutes } from '../plan/expected-routes.ts';
import { expectedRoutes } from '../plan/expected-routes.ts';
import { ruleHosts } from '../routes/rule-hosts.ts';
import { nearest } from '../spec/did-you-mean.ts';
import { few, type KnownWorld, linkMaker, type MakeLink, subjectOf } from './explain-facts.ts';
import { explainSubject } from './explain-pool.ts';
import { commitLink } from './explain-spec.ts';
import { nameOf } from './explain-traefik.ts';
import { unknownFileLink } from './explain-unknown.ts';
import type { Link } from './explanation.ts';
import { type Contender, entranceOf, Fitting, mayConcern, priorityOf } from './find-taker.ts';
import type { Findings } from './finish-explanation.ts';
import { asNamed } from './named-routers.ts';
import type { AskedUrl } from './read-url.ts';

/** A router that a pool of ours asks for. */
interface Wanted extends Contender {
  readonly view: PoolView;
  readonly expected: ExpectedRoutes;
}

/** What is known of the routers of one site. */
interface Routing {
  readonly url: AskedUrl;
  readonly wanted: readonly Wanted[];
  /** What Traefik has: of the first replica that answers, else of the first that ever did. */
  readonly actual: readonly Contender[] | undefined;
  readonly replica: ReplicaName | undefined;
  readonly state: GatewayState | undefined;
  readonly fitting: Fitting;
}

/** Why a URL does, or does not, lead to a pool: the chain of the pool that asks for it, and which router Traefik takes. */
export function explainRoute(url: AskedUrl, views: readonly PoolView[], known: KnownWorld): Findings {
  const routing = routingOf(url, views, known);
  const { wanted, actual = [], fitting } = routing;
  const unjudged = new Set(fitting.unjudged([...wanted, ...actual]).map(words));
  const facts = [...unjudged].map((router) => `not judged: an expression in the rule of ${router} is too large`);
  const findings = findingsOf(routing, views, known);
  return facts.length === 0
    ? findings
    : { ...findings, links: findings.links.map((link) => (link.link === 'router' ? { ...link, facts: [...link.facts, ...facts] } : link)) };
}

function findingsOf(routing: Routing, views: readonly PoolView[], known: KnownWorld): Findings {
  const taking = routing.wanted.filter((router) => routing.fitting.fitOf(router) === 'takes').sort(byPriority);
  const elsewhere = routing.wanted.find((router) => routing.fitting.fitOf(router) === 'entry-point');
  const winner = routing.actual === undefined ? undefined : routing.fitting.takersOf(routing.actual)[0];
  // Of equals the one that Traefik takes is the one that is asked about.
  const isWinner = ({ expected, priority, rule }: Wanted): boolean =>
    priorityOf({ priority, rule }) === priorityOf(taking[0] ?? { priority, rule }) && namesOf(expected, routing).has(winner?.key ?? '');
  const best = taking.find(isWinner) ?? taking[0] ?? (winner === undefined ? elsewhere : undefined);
  if (best !== undefined) return ofPool(best, taking, { routing, winner }, known);
  if (winner !== undefined) return ofStranger(winner, routing, known);
  return ofNobody(routing, views, known);
}

const byPriority = (a: Contender, b: Contender): number => priorityOf(b) - priorityOf(a) || (a.key < b.key ? -1 : 1);

/** The texts of the rules in the tags of a pool, wanted and registered ones. */
function rulesOf({ pool, tags }: PoolView, { registry }: KnownWorld['context']): readonly string[] {
  const registered = registry?.instances.get(pool)?.[0]?.tags ?? [];
  return [...tags, ...registered].flatMap((tag) => (/\.rule=/i.test(tag) ? [tag.slice(tag.indexOf('=') + 1)] : []));
}

function routingOf(url: AskedUrl, views: readonly PoolView[], { context }: KnownWorld): Routing {
  const wanted = views.flatMap((view) =>
    rulesOf(view, context).some((rule) => mayConcern(rule, url.host)) ? wantedOf(view, context) : [],
  );
  const gateways = [...(context.world.gateways ?? [])];
  const [replica, snapshot] = gateways.find(([, one]) => one.kind === 'complete') ?? gateways.find(([, one]) => snapshotValue(one)) ?? [];
  const state = snapshot === undefined ? undefined : snapshotValue(snapshot);
  const actual =
    state === undefined ? undefined : [...state.routers].flatMap(([key, router]) => (key.startsWith('http/') ? [{ key, ...router }] : []));
  const entrance = entranceOf(url, actual ?? tlsEvidence(url, wanted, views, context), context.policy.entryPoints);
  return { url, wanted, actual, replica, state, fitting: new Fitting(url, entrance) };
}

/** Where no Traefik is watched, whether it has TLS at all shows in the routers of other hosts. */
function tlsEvidence(
  { scheme }: AskedUrl,
  wanted: readonly Wanted[],
  views: readonly PoolView[],
  context: KnownWorld['context'],
): readonly Contender[] {
  return scheme !== 'https' || wanted.some(({ tls }) => tls) ? wanted : views.flatMap((view) => wantedOf(view, context));
}

function wantedOf(view: PoolView, context: KnownWorld['context']): readonly Wanted[] {
  const expected = expectedRoutes(view, context);
  return expected.routers.flatMap(({ key, fields }): readonly Wanted[] => {
    const { rule, entryPoints = [], priority = 0, tls = false, service = '' } = fields;
    return rule === undefined ? [] : [{ key, rule, entryPoints, priority, tls, service, status: 'wanted', view, expected }];
  });
}

/** The keys that Traefik has the routers of a pool by. */
const namesOf = ({ routers }: ExpectedRoutes, { state }: Routing): ReadonlySet<string> =>
  new Set(routers.flatMap((router) => (state === undefined ? [router] : asNamed(router, state))).map(({ key }) => key));

interface Taken {
  readonly routing: Routing;
  readonly winner: Contender | undefined;
}

/** The chain of the pool whose router asks for the URL. */
function ofPool(best: Wanted, taking: readonly Wanted[], { routing, winner }: Taken, known: KnownWorld): Findings {
  const subject = subjectOf(best.view.pool, known);
  const findings = explainSubject(subject, known);
  const own = namesOf(best.expected, routing);
  const links = findings.links.map((link) => {
    if (link.link !== 'router' || link.state === 'broken') return link;
    return urlRouterLink(link, { best, taking, own }, { routing, winner });
  });
  const isElsewhere = links.some(({ code }) => code === 'entry-point-differs');
  const isLost = isElsewhere || links.some(({ code }) => code === 'shadowed');
  // Whatever else is broken: all of it mended, the URL would still lead nowhere.
  return { ...findings, links, serving: isLost ? 0 : findings.serving, ...(isElsewhere ? { decisive: 'router' as const } : {}) };
}

interface Candidates {
  readonly best: Wanted;
  readonly taking: readonly Wanted[];
  /** The names of the pool's own routers. */
  readonly own: ReadonlySet<string>;
}

/** The router link as the URL has it: who takes it, and why. */
function urlRouterLink(link: Link, { best, taking, own }: Candidates, { routing, winner }: Taken): Link {
  const { actual, fitting } = routing;
  const others = taking.filter(({ key }) => !own.has(key)).map((router) => `also asked for by ${words(router)} of ${router.view.pool}`);
  const facts = [...others, ...link.facts];
  if (taking.length === 0) {
    return { ...link, state: 'broken', code: 'entry-point-differs', facts, ...elsewhereWords(best, routing) };
  }
  if (actual === undefined || winner === undefined) return { ...link, facts };
  const takers = fitting.takersOf(actual);
  const mine = takers.find(({ key }) => own.has(key));
  const rival = takers.find(({ key, service }) => !own.has(key) && service !== mine?.service);
  const wanted = mine ?? best;
  if (rival !== undefined && priorityOf(rival) === priorityOf(wanted) && mine !== undefined) {
    const says = `routers ${nameOf(mine.key)} and ${nameOf(rival.key)} both take it with priority ${priorityOf(rival)}: chance decides`;
    const remedy = 'Give one of them another priority.';
    return { ...link, state: 'broken', code: 'tie', says, facts: [...serversOf(rival, routing), ...facts], remedy };
  }
  if (!own.has(winner.key)) {
    const says = `${words(winner)} takes it before ${words(wanted)}`;
    const remedy = `Give this router a higher priority than ${priorityOf(winner)}, or have ${nameOf(winner.key)} taken away.`;
    return { ...link, state: 'broken', code: 'shadowed', says, facts: [...serversOf(winner, routing), ...facts], remedy };
  }
  const beaten = takers.filter((one) => one !== winner).map((one) => `before ${words(one)}`);
  return { ...link, says: link.state === 'ok' ? `${words(winner)} takes it: ${winner.rule}` : link.says, facts: [...beaten, ...facts] };
}

/** That a router takes it on other entry points only; where none of the host has TLS, that it is routed over http alone. */
function elsewhereWords(
  router: Contender,
  { url, wanted, actual = [], fitting }: Routing,
): { readonly says: string; readonly remedy: string } {
  const on = router.entryPoints.length === 0 ? '' : ` on ${router.entryPoints.join(', ')}`;
  const near = [...wanted, ...actual].filter((one) => fitting.fitOf(one) === 'entry-point');
  if (url.scheme === 'https' && near.every(({ tls }) => !tls)) {
    const says = `${url.host} is routed only over http: router ${nameOf(router.key)} takes it${on}, and no router with TLS does`;
    return {
      says,
      remedy: 'Ask by http, or give the Service a router with TLS (Traefik 1 tags: traefik.frontend.entryPoints: http,https).',
    };
  }
  const says = `router ${nameOf(router.key)} takes it${router.tls ? ' with TLS' : ''}${on}, not as ${url.scheme}`;
  return { says, remedy: `Ask by ${router.tls ? 'https' : 'http'}, or give the router the entry point as well.` };
}

const words = (router: Contender): string => `router ${nameOf(router.key)} (priority ${priorityOf(router)})`;

/** The servers behind a router, for a router that is not ours. */
function serversOf({ service }: Contender, { state }: Routing): readonly string[] {
  const key = `http/${service.replace(/@.*$/, '')}` as const;
  const servers = state?.services.get(key)?.servers ?? [];
  return servers.length === 0
    ? []
    : [
        `it leads to ${few(
          servers.map(({ url }) => url),
          3,
        )}`,
      ];
}

/** A router that no pool of ours asks for takes the URL. */
function ofStranger(winner: Contender, routing: Routing, known: KnownWorld): Findings {
  const facts = [winner.rule, ...serversOf(winner, routing), `seen on ${routing.replica ?? ''}`];
  const link = linkMaker(known)('router', ['traefik:'])('ok', 'not-ours', {
    says: `${words(winner)} takes it, which is none of ours`,
    facts,
  });
  return { about: routing.url.host, pool: undefined, links: [commitLink(known), link], serving: 1, reaches: undefined };
}

/** No router takes the URL: what comes nearest, and what differs. */
function ofNobody(routing: Routing, views: readonly PoolView[], known: KnownWorld): Findings {
  const { url, wanted, actual = [], fitting } = routing;
  const { context } = known;
  const all: readonly Contender[] = [...wanted, ...actual];
  const near = all.filter((router) => ['host-only', 'entry-point'].includes(fitting.fitOf(router)));
  const file = unknownFileLink(url.host, known);
  const make = linkMaker(known)('router', context.world.gateways === undefined ? ['git'] : ['traefik:']);
  const isSure =
    known.context.world.specs.kind === 'complete' && known.sources.every(({ source, kind }) => source !== 'git' || kind === 'complete');
  const base = { about: url.host, pool: undefined, serving: 0, reaches: false } as const;
  const elsewhere = near.find((router) => fitting.fitOf(router) === 'entry-point');
  if (elsewhere !== undefined) {
    const link = make('broken', 'entry-point-differs', { ...elsewhereWords(elsewhere, routing), facts: factsOf(near) });
    return { ...base, links: [commitLink(known), ...file, link], decisive: 'router' };
  }
  const [closest] = near;
  if (closest !== undefined) {
    const says = `no router takes ${url.target} of ${url.host}; nearest is ${nameOf(closest.key)}: ${closest.rule}`;
    const remedy = 'Ask for what a rule takes, or widen the rule in the annotations of the Service.';
    return { ...base, links: [commitLink(known), ...file, make('broken', 'rule-differs', { says, facts: factsOf(near), remedy })] };
  }
  return { ...base, links: [commitLink(known), ...file, unknownHostLink(make, { routing, views, isSure }, known)] };
}

const factsOf = (near: readonly Contender[]): readonly string[] => [...new Set(near.map((router) => `${words(router)}: ${router.rule}`))];

interface UnknownHost {
  readonly routing: Routing;
  readonly views: readonly PoolView[];
  /** False while Git may hold a commit that nobody has seen. */
  readonly isSure: boolean;
}

/** No rule has the host: the nearest one that some rule has. */
function unknownHostLink(make: MakeLink, { routing, views, isSure }: UnknownHost, { context }: KnownWorld): Link {
  const { url, actual = [] } = routing;
  const ofViews = views.map((view) => ({ view, hosts: rulesOf(view, context).flatMap((rule) => ruleHosts(rule) ?? []) }));
  const hosts = [...new Set([...ofViews.flatMap((one) => one.hosts), ...actual.flatMap(({ rule }) => ruleHosts(rule) ?? [])])].sort();
  const suggestion = nearest(url.host, hosts) ?? hosts.find((host) => host.split('.')[0] === url.host.split('.')[0]);
  const whose = ofViews.find((one) => suggestion !== undefined && one.hosts.includes(suggestion))?.view;
  const meant =
    suggestion === undefined ? '' : `; nearest is ${suggestion}${whose === undefined ? '' : ` of pool ${whose.pool} (${whose.spec})`}`;
  const remedy =
    suggestion === undefined
      ? 'Commit a spec whose Service has a rule for this host.'
      : `Did you mean ${suggestion}? Correct the URL, or the rule in the spec.`;
  const facts = hosts.length === 0 ? ['no host is known'] : [`known hosts: ${few(hosts)}`];
  const says = `no router and no spec knows the host ${url.host}${meant}`;
  return make(isSure ? 'broken' : 'unknown', 'host-unknown', { says, facts, remedy });
}
