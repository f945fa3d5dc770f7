import { parseIpRange } from '../../../shared/ip-range.ts';
import { listParts } from '../annotation-tags.ts';
import { parseGoBool } from '../tag-kinds.ts';
import { list } from '../turn-value.ts';
import type { DeprecatedKey, V1Key } from '../v1-key.ts';
import { idle, impossible, NOTHING, unread } from '../v1-key.ts';

const RANGE = 'frontend.whiteList.sourceRange';

/** From where a frontend may be asked. */
export const ALLOW_LIST_KEYS: readonly V1Key[] = [
  {
    key: RANGE,
    class: 'exact',
    to: 'M.ipallowlist.sourcerange',
    turn: (value, to, context) => {
      const wrong = listParts(value).find((range) => parseIpRange(range) === undefined);
      if (wrong !== undefined)
        return impossible(`holds "${wrong}", which is no address range`, 'Write addresses or ranges such as 10.0.0.0/8.');
      return list(value, to, context);
    },
  },
  {
    key: 'frontend.whiteList.useXForwardedFor',
    class: 'impossible',
    to: 'M.ipallowlist.ipstrategy.depth',
    remark: 'lets in whoever has any listed address in X-Forwarded-For, or is one; Traefik 3 looks at one address only',
    remedy: 'Say by the option traefik.forwardedDepth how many proxies stand before Traefik, or write the Traefik 3 tags by hand.',
    turn: (value, to, { options, site }) => {
      const read = parseGoBool(value);
      if (read === undefined) return unread(value, 'a boolean');
      if (!read) return NOTHING;
      if (listParts(options.get(RANGE) ?? '').length === 0) return idle(`without traefik.${RANGE}`);
      if (site.forwardedDepth === undefined) return {};
      const reason = `becomes a look at the address that the proxy ${site.forwardedDepth} before Traefik has seen (traefik.forwardedDepth)`;
      return { fields: { [to]: String(site.forwardedDepth) }, told: { class: 'approximate', reason } };
    },
  },
];

export const DEPRECATED_ALLOW_LIST_KEYS: readonly DeprecatedKey[] = [{ key: 'frontend.whitelistSourceRange', now: RANGE }];
