import type { Tag } from './annotation-tags.ts';
import { tagText } from './annotation-tags.ts';

const V3_KEY = /^traefik\.(?:(?:http|tcp|udp)\.|tls\.stores\.default|consulcatalog\.)/i;
const V3_ROUTER = /^traefik\.(?:http|tcp|udp)\.routers\./i;
const V1_KEY = /^traefik\.(?:(?:frontends?|backend)\.|(?:protocol|weight|tags)$)/i;

/** True for a tag that only Traefik 3 reads (reference: traefik.md 0.9). */
export const isV3Tag = ({ key }: Tag): boolean => V3_KEY.test(key);

/** True for a router of the spec's own, of any protocol. */
export const isV3Router = ({ key }: Tag): boolean => V3_ROUTER.test(key);

/** True for `traefik.enable`, which both versions read, in any letter case. */
export const isEnableTag = ({ key }: Tag): boolean => key.toLowerCase() === 'traefik.enable';

/** True for a tag that Traefik 1 pastes into its configuration or reads for itself. */
export const isV1Tag = ({ key }: Tag): boolean => V1_KEY.test(key);

/**
 * What a tag is about: two tags of one identity must have one value. Only Traefik's tags have keys, and Traefik 3 does not tell
 * their letter cases apart, nor does Traefik 1 for `enable`; any other tag is about itself, with or without a `=`.
 */
export function tagIdentity(tag: Tag): string {
  if (tag.value === undefined || !tag.key.startsWith('traefik.')) return tagText(tag);
  return `${isV3Tag(tag) || isEnableTag(tag) ? tag.key.toLowerCase() : tag.key}=`;
}

/** Go's strconv.ParseBool; undefined for what it refuses. */
export function parseGoBool(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}
