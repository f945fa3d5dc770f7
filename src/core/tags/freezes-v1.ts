import type { Tag } from './annotation-tags.ts';
import { isTemplate, withoutActions } from './render-template.ts';
import { unescapeToml } from './toml-string.ts';
import { HEADER_NAME, headersOf } from './turn-value.ts';

/** Traefik 1 reads them for itself, and pastes them nowhere. */
const NOT_PASTED = /^traefik\.tags$/i;
/** Traefik 1 checks it before it pastes it. */
const CHECKED = /\.redirect\.regex$/;
const RULE = /^traefik\.frontend(?:s\.[^.]+)?\.rule$/;
/** Their header names become bare TOML keys. */
const HEADERS = /\.(?:healthcheck\.headers|headers\.(?:customRequestHeaders|customResponseHeaders|SSLProxyHeaders))$/;

/**
 * Why a tag would keep Traefik 1 from taking any further change of any service, as the end of a sentence; undefined when it would not
 * (reference: traefik.md 1.6). Traefik 1 pastes keys and values into a TOML document: one that does not fit makes it unreadable.
 */
export function freezesV1({ key, value = '' }: Tag): string | undefined {
  if (NOT_PASTED.test(key) || CHECKED.test(key)) return undefined;
  if (/["\\]/.test(key)) return 'has a quote or backslash in its key';
  // What a template yields is not known before it is filled in; what stands around its actions is.
  const pasted = RULE.test(key) && isTemplate(value) ? withoutActions(value) : value;
  if (unescapeToml(pasted) === undefined) return 'has a value with a quote, a backslash or a control character that is not escaped';
  if (!HEADERS.test(key)) return undefined;
  const name = headersOf(value).find(([header]) => !HEADER_NAME.test(header))?.[0];
  return name === undefined ? undefined : `has the header name ${JSON.stringify(name)}`;
}
