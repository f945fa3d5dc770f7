import type { Problem } from '../../shared/problem.ts';
import { problem } from '../../shared/problem.ts';
import { hashOf } from '../model/hash.ts';
import type { EntryPoint } from '../model/policy.ts';
import type { Tag } from './annotation-tags.ts';
import { listParts } from './annotation-tags.ts';
import { parseGoBool } from './tag-kinds.ts';
import { translateRule } from './translate-rule.ts';
import { judgeOption, optionName } from './v1-options.ts';

/** What is translated: the Traefik 1 tags of one Service, their values unescaped. */
export interface V1Input {
  readonly tags: readonly Tag[];
  readonly namespace: string;
  readonly name: string;
  /** Traefik 1 entry point → Traefik 3 entry point. */
  readonly entryPoints: Readonly<Record<string, EntryPoint>>;
}

/** Traefik 3 tags, and what was not or not exactly translated. */
export interface Translation {
  readonly tags: readonly Tag[];
  readonly problems: readonly Problem[];
}

/** A rule that no request matches. */
const NEVER = 'PathPrefix(`/`) && !PathPrefix(`/`)';
const DEFAULT_ENTRY_POINTS = 'http';

/**
 * The name of a Service's router and Traefik service, which are global in Traefik. The digits tell `prod-web/api` and
 * `prod/web-api` apart.
 */
export function traefikName(namespace: string, name: string): string {
  return `${name}-${namespace}-${hashOf([namespace, name], 6)}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

const routerTag = (router: string, field: string, value: string): Tag => ({ key: `traefik.http.routers.${router}.${field}`, value });

/** A router that matches no request, for the Service of this `traefikName`: it keeps Traefik 3 from making up an open one. */
export const closedRouter = (base: string): Tag => routerTag(`${base}-closed`, 'rule', NEVER);

/**
 * Translates Traefik 1 tags (reference: traefik.md 3). All or nothing: where the rule, an entry point or a guard has no
 * translation, Traefik 3 gets a router that matches no request instead. It must get one, because for a Consul service without
 * any router Traefik makes one up from its `defaultRule`, open to everyone who knows the name.
 *
 * Without `traefik.frontend.rule` there is nothing to translate: both versions then use the default rule of their own static
 * configuration, on a router they make up themselves; this is told as a note, and no router tag is written.
 */
export function translateV1(input: V1Input): Translation {
  return new Translator(input).translate();
}

class Translator {
  readonly #options: ReadonlyMap<string, string>;
  readonly #entryPoints: Readonly<Record<string, EntryPoint>>;
  readonly #base: string;
  readonly #title: string;
  readonly #problems: Problem[] = [];
  #closed = false;

  constructor({ tags, namespace, name, entryPoints }: V1Input) {
    this.#options = new Map(tags.map(({ key, value }) => [optionName(key), value ?? '']));
    this.#entryPoints = entryPoints;
    this.#base = traefikName(namespace, name);
    this.#title = `Service ${namespace}/${name}`;
  }

  translate(): Translation {
    this.#judgeOptions();
    const service = this.#serviceTags();
    const routers = this.#routers();
    return { tags: this.#closed ? [closedRouter(this.#base)] : [...routers, ...service], problems: this.#problems };
  }

  #judgeOptions(): void {
    for (const option of this.#options.keys()) {
      const verdict = judgeOption(option);
      if (verdict === 'closes') this.#close(option, 'is not translated yet, and a route without it would be open');
      else if (verdict === 'warns') this.#warn(option, 'is not translated yet; Traefik 3 routes without it');
    }
  }

  /** Tags of the Traefik service. The scheme is always written when there is a router, so that the service it names exists. */
  #serviceTags(): readonly Tag[] {
    const scheme = this.#scheme();
    const weight = this.#weight();
    const passHostHeader = this.#passHostHeader();
    const settings: readonly (readonly [string, string | undefined])[] = [
      ['server.scheme', scheme ?? (this.#options.has('frontend.rule') ? 'http' : undefined)],
      ['server.weight', weight],
      ['passhostheader', passHostHeader],
    ];
    this.#checkBalancer();
    return settings.flatMap(([key, value]) =>
      value === undefined ? [] : [{ key: `traefik.http.services.${this.#base}.loadbalancer.${key}`, value }],
    );
  }

  #scheme(): string | undefined {
    const protocol = this.#options.get('protocol');
    if (protocol !== undefined && !['http', 'https', 'h2c'].includes(protocol)) {
      this.#close('protocol', `"${protocol}" is none of http, https, h2c`);
    }
    return protocol;
  }

  #weight(): string | undefined {
    const option = this.#options.has('backend.weight') ? 'backend.weight' : 'weight';
    const text = this.#options.get(option);
    if (text === undefined) return undefined;
    if (!/^\d{1,9}$/.test(text)) {
      this.#warn(option, `"${text}" is not a whole number; Traefik 3 uses the weight 1`);
      return undefined;
    }
    if (Number(text) > 0) return String(Number(text));
    this.#note(option, 'is 0, which Traefik 1 takes for 1 and Traefik 3 for "no traffic"; 1 is written for Traefik 3');
    return '1';
  }

  #passHostHeader(): string | undefined {
    const text = this.#options.get('frontend.passHostHeader');
    const value = parseGoBool(text);
    if (text !== undefined && value === undefined) this.#warn('frontend.passHostHeader', `"${text}" is not a boolean; true is used`);
    return value === undefined ? undefined : String(value);
  }

  /** Every method but `drr` is `wrr` to Traefik 1, and `wrr` is what Traefik 3 does. */
  #checkBalancer(): void {
    for (const option of ['backend.loadbalancer', 'backend.loadbalancer.method']) {
      if (this.#options.get(option)?.toLowerCase() === 'drr') {
        this.#warn(option, 'is drr, which Traefik 3 does not have; it balances by wrr');
      }
    }
  }

  #routers(): readonly Tag[] {
    const written = this.#options.get('frontend.rule');
    if (written === undefined) {
      this.#withoutRule();
      return [];
    }
    // Traefik 1 cuts it off, for default rules with an empty domain.
    const v1Rule = written.replace(/\.$/, '');
    const translated = translateRule(v1Rule);
    if (translated.kind === 'not-translated') {
      this.#close('frontend.rule', `is not translated: ${translated.reason}`);
      return [];
    }
    for (const text of translated.notes) this.#note('frontend.rule', `is translated, but ${text}`);
    const { plain, tls } = this.#mapEntryPoints();
    const priority = this.#priority(v1Rule);
    const router = (name: string, entryPoints: readonly string[]): readonly Tag[] => [
      routerTag(name, 'entrypoints', entryPoints.join(',')),
      routerTag(name, 'priority', priority),
      routerTag(name, 'rule', translated.rule),
      routerTag(name, 'service', this.#base),
    ];
    const tlsName = `${this.#base}-tls`;
    return [
      ...(plain.length === 0 ? [] : router(this.#base, plain)),
      ...(tls.length === 0 ? [] : [...router(tlsName, tls), routerTag(tlsName, 'tls', 'true')]),
    ];
  }

  #withoutRule(): void {
    if (this.#options.has('frontend.entryPoints')) {
      this.#close('frontend.entryPoints', 'cannot be translated without a traefik.frontend.rule');
    } else if (!this.#closed) {
      const message = `${this.#title} has no tag traefik.frontend.rule; Traefik 3 routes to it by its own defaultRule`;
      this.#problems.push(problem('TAG_NOT_TRANSLATED', message, { severity: 'note' }));
    }
  }

  /** The Traefik 3 entry points, by whether their routers serve TLS. Without any that is known, the route is closed. */
  #mapEntryPoints(): { readonly plain: readonly string[]; readonly tls: readonly string[] } {
    const option = 'frontend.entryPoints';
    const written = listParts(this.#options.get(option) ?? '');
    const mapped: EntryPoint[] = [];
    for (const name of written.length === 0 ? [DEFAULT_ENTRY_POINTS] : written) {
      const entryPoint = Object.hasOwn(this.#entryPoints, name) ? this.#entryPoints[name] : undefined;
      if (entryPoint !== undefined) mapped.push(entryPoint);
      else this.#warn(option, `names the entry point "${name}", which the configuration does not map; no route on it`);
    }
    if (mapped.length === 0) this.#close(option, 'names no entry point that the configuration maps');
    const namesOf = (tls: boolean): readonly string[] => [...new Set(mapped.filter((e) => e.tls === tls).map((e) => e.name))];
    return { plain: namesOf(false), tls: namesOf(true) };
  }

  /** Where Traefik 1 sorts by the length of its rule, Traefik 3 is told that length: its own rules are longer. */
  #priority(v1Rule: string): string {
    const text = this.#options.get('frontend.priority');
    if (text !== undefined && !/^-?\d{1,9}$/.test(text)) this.#warn('frontend.priority', `"${text}" is not a whole number; it is ignored`);
    else if (text !== undefined && Number(text) !== 0) return String(Number(text));
    return String(Buffer.byteLength(v1Rule, 'utf8'));
  }

  #close(option: string, reason: string): void {
    this.#closed = true;
    this.#problems.push(problem('TAG_NOT_TRANSLATED', `${this.#tell(option, reason)}; Traefik 3 gets no route to this Service`));
  }

  #warn(option: string, reason: string): void {
    this.#problems.push(problem('TAG_NOT_TRANSLATED', this.#tell(option, reason)));
  }

  #note(option: string, reason: string): void {
    this.#problems.push(problem('TAG_NOT_TRANSLATED', this.#tell(option, reason), { severity: 'note' }));
  }

  #tell(option: string, reason: string): string {
    return `${this.#title}: the tag traefik.${option} ${reason}`;
  }
}
