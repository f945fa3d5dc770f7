import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { matchRule } from '../../src/core/routes/match-rule.ts';
import { defaultPriority, parseRule } from '../../src/core/routes/parse-rule.ts';
import { type RawRequest, routeRequest } from '../../src/core/routes/route-request.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { joinedRules, RULE_REQUESTS, type RuleRequest, WRITTEN_RULES } from '../support/rule-cases.ts';
import { sendRequests } from '../support/send-request.ts';
import { startTraefik, type TraefikServer } from '../support/traefik.ts';

const RULES = [...WRITTEN_RULES, ...joinedRules(120, 7)];
/** Rules that take some of the same requests, told apart by their length alone; none that takes every request. */
const RIVALS = WRITTEN_RULES.filter(
  (rule) => parseRule(rule).ok && /^(?:Path|Query|Method)\w*\([^!]*$/.test(rule) && !rule.includes('||'),
).filter((rule, at, all) => all.findIndex(({ length }) => length === rule.length) === at);
/** Each rule is asked for by a header of its own; the rivals share one. */
const ASKED = 'X-Rule';
const guarded = (asked: string, rule: string): string => `Header(\`${ASKED}\`, \`${asked}\`) && (${rule})`;

interface ApiRouter {
  readonly name: string;
  readonly status: string;
}

describe('rules, by Traefik and by ours', () => {
  let directory: TempDirectory;
  let traefik: TraefikServer;

  beforeAll(async () => {
    directory = await makeTempDirectory('rule-matching');
    const file = join(directory.path, 'routes.json');
    const plain = RULES.map((rule, at) => [`rule-${at}`, { rule, ...SERVED, entryPoints: ['websecure'] }] as const);
    const asked = RULES.map((rule, at) => [`asked-${at}`, { rule: guarded(String(at), rule), ...SERVED }] as const);
    const rivals = RIVALS.map(
      (rule, at) => [`rival-${at}`, { rule: guarded('rivals', rule), ...SERVED, middlewares: [`rival-${at}`] }] as const,
    );
    const middlewares = RIVALS.map((_, at) => [`rival-${at}`, { redirectRegex: { regex: '.*', replacement: `/rival-${at}` } }] as const);
    const http = { routers: Object.fromEntries([...plain, ...asked, ...rivals]), middlewares: Object.fromEntries(middlewares) };
    await writeFile(file, JSON.stringify({ http }));
    const { consulUrl } = inject('stack');
    traefik = await startTraefik({ consulUrl, prefix: 'rule-matching', extraArgs: [`--providers.file.filename=${file}`] });
    await vi.waitUntil(async () => (await routers()).length > RULES.length, { timeout: 30_000, interval: 100 });
  });
  afterAll(async () => {
    await traefik?.stop();
    await directory.remove();
  });

  const routers = async (): Promise<readonly ApiRouter[]> =>
    (await (await fetch(`${traefik.apiUrl}/api/http/routers?per_page=10000`)).json()) as readonly ApiRouter[];

  it('are read or refused alike', async () => {
    const statuses = new Map((await routers()).map(({ name, status }) => [name, status]));
    const differing = RULES.flatMap((rule, at) => {
      const traefikReads = statuses.get(`rule-${at}@file`) === 'enabled';
      const parsed = parseRule(rule);
      return parsed.ok === traefikReads
        ? []
        : [`${rule}: Traefik ${traefikReads ? 'reads' : 'refuses'} it; ${parsed.ok ? 'read' : parsed.error.message}`];
    });
    expect(differing).toEqual([]);
  });

  it('match alike', async () => {
    const differing: string[] = [];
    let asked = 0;
    let matched = 0;
    for (const [at, rule] of RULES.entries()) {
      const parsed = parseRule(rule);
      if (!parsed.ok) continue;
      const requests = RULE_REQUESTS.map((request) => askFor(request, String(at)));
      const answers = await sendRequests(traefik.webUrl, requests);
      for (const [number, request] of requests.entries()) {
        const status = answers[number]?.status;
        const ours = matchRule(parsed.rule, routeRequest(rawOf(request)));
        asked += 1;
        matched += ours ? 1 : 0;
        if ((status === SERVED_STATUS) !== ours)
          differing.push(`${rule} on ${JSON.stringify(RULE_REQUESTS[number])}: Traefik ${status}, ours ${ours}`);
      }
    }
    expect(differing.slice(0, 50)).toEqual([]);
    expect(asked).toBeGreaterThan(200 * 40);
    expect(matched).toBeGreaterThan(asked / 10);
  });

  it('of several that match, the longest is taken', async () => {
    const requests = RULE_REQUESTS.map((request) => askFor(request, 'rivals'));
    const answers = await sendRequests(traefik.webUrl, requests);
    const expected = requests.map((request) => winnerOf(request));
    expect(answers.map(({ headers }) => headers.get('location'))).toEqual(expected);
    expect(new Set(expected).size).toBeGreaterThan(5);
  });

  const rawOf = ({ host = new URL(traefik.webUrl).host, ...request }: RuleRequest): RawRequest => ({
    ...request,
    headers: { ...request.headers, host },
    clientIp: '127.0.0.1',
  });

  function winnerOf(request: RuleRequest): string | undefined {
    const seen = routeRequest(rawOf(request));
    const matching = RIVALS.map((rule, at) => ({ rule, at })).filter(({ rule }) => {
      const parsed = parseRule(rule);
      return parsed.ok && matchRule(parsed.rule, seen);
    });
    const [first] = matching.sort((a, b) => defaultPriority(b.rule) - defaultPriority(a.rule));
    return first === undefined ? undefined : `/rival-${first.at}`;
  }
});

const askFor = ({ headers = {}, ...request }: RuleRequest, rule: string): RuleRequest => ({
  ...request,
  headers: { ...headers, [ASKED]: rule },
});

/** Traefik's own service that answers with a status no backend would. */
const SERVED = { service: 'noop@internal', entryPoints: ['web'] };
const SERVED_STATUS = 418;
