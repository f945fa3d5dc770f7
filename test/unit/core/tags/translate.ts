import { buildTags, type TagsInput } from '../../../../src/core/tags/build-tags.ts';
import { traefikName } from '../../../../src/core/tags/traefik-names.ts';

const ENTRY_POINTS = {
  http: { name: 'web', tls: false },
  https: { name: 'websecure', tls: true, port: 8443 },
  admin: { name: 'adm', tls: false },
};
export const BASE = traefikName('default', 'web');
export const RULE = { 'frontend.rule': 'Host:a.example.com' };

/** The tags of Service default/web with these Traefik 1 options, for Traefik 3 alone. */
export function translate(options: Record<string, string>, more: Partial<TagsInput> = {}) {
  const annotations = Object.fromEntries(Object.entries(options).map(([key, value]) => [`traefik.${key}`, value]));
  return buildTags({ annotations, extraTags: [], namespace: 'default', name: 'web', dialect: 'v3', entryPoints: ENTRY_POINTS, ...more });
}
export type Built = ReturnType<typeof translate>;

/** The tags with `R.`, `S.`, `M.` for those of the plain frontend. */
export const short = (tags: readonly string[]): readonly string[] =>
  tags
    .map((tag) =>
      tag
        .replace(`traefik.http.routers.${BASE}`, 'R')
        .replace(`traefik.http.services.${BASE}`, 'S')
        .replace(/^traefik\.http\.middlewares\./, 'M:')
        .replaceAll(BASE, 'B'),
    )
    .filter((tag) => !/^R(?:-tls)?\.(?:rule|service|priority|tls)=/.test(tag) && tag !== 'S.loadbalancer.server.scheme=http');
export const PLAIN = 'R.entrypoints=web';
export const codes = ({ problems }: Built): readonly string[] => problems.map(({ code }) => code.replace('TAG_', ''));
