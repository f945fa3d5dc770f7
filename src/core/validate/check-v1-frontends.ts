import type { Problem } from '../../shared/problem.ts';
import type { Policy } from '../model/policy.ts';
import { isEnableTag, parseGoBool } from '../tags/tag-kinds.ts';
import type { TaggedService } from './check-tags.ts';
import { consulServiceOf } from './check-tree.ts';
import { placeTag } from './place-tag.ts';

/** A frontend of Traefik 1, and the tag that makes it; without one it is that of the Service itself. */
interface Frontend {
  readonly name: string;
  readonly tagged: TaggedService;
  readonly tag?: string;
}

/**
 * Frontends of Traefik 1 that several Services make under one name, such as `frontends.admin` of `shop` and the Service `shop-admin`: told at the
 * later one by the order of files. A name that is there twice makes its configuration unreadable, for all Services.
 */
export function checkV1Frontends(services: readonly TaggedService[], { dialect }: Policy): readonly Problem[] {
  if (dialect === 'v3') return [];
  return [...Map.groupBy(services.flatMap(frontendsOf), ({ name }) => name)].flatMap(([name, [first, ...others]]) =>
    others.flatMap((other) => {
      // Of one Consul service it is told that it is taken.
      if (first === undefined || (first.tag === undefined && other.tag === undefined) || first.tagged === other.tagged) return [];
      const both = `${placeText(first)} and ${placeText(other)} both make the frontend ${name} of Traefik 1`;
      const message = `${both}, which could then read nothing of its catalog any more`;
      const remedy = 'Give the one of traefik.frontends another name, or one of the Services another Consul name.';
      return [problemAt(other, message, remedy)];
    }),
  );
}

function frontendsOf(tagged: TaggedService): readonly Frontend[] {
  const { written } = tagged;
  if (written.some((tag) => isEnableTag(tag) && parseGoBool(tag.value) === false)) return [];
  const begin = `frontend-${consulServiceOf(tagged.service).toLowerCase()}`;
  const named = new Map<string, Frontend>();
  for (const { key } of written) {
    const [, frontend] = /^traefik\.frontends\.([^.]+)\./.exec(key) ?? [];
    const name = `${begin}-${frontend}`;
    if (frontend !== undefined && !named.has(name)) named.set(name, { name, tagged, tag: key });
  }
  return [{ name: begin, tagged }, ...named.values()];
}

function problemAt({ tagged: { service }, tag }: Frontend, message: string, remedy?: string): Problem {
  const finding = { code: 'ROUTE_CONFLICT', message, ...(remedy === undefined ? {} : { remedy }) } as const;
  return service.problemOf(tag === undefined ? { ...finding, path: ['metadata', 'name'] } : placeTag(finding, tag, service));
}

const placeText = (frontend: Frontend): string => `${frontend.tagged.service.file}:${problemAt(frontend, '').where?.line ?? 1}`;
