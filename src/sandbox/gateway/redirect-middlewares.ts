import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { type GatewayRequest, plainAnswer, type Step } from './gateway-request.ts';
import { goReplacer } from './go-replace.ts';
import { rewriteUrl } from './go-url.ts';
import { textOf } from './middleware-config.ts';

const URL_PARTS = '^(https?:\\/\\/)?(\\[[\\w:.]+\\]|[\\w\\._-]+)?(:\\d+)?(.*)$';
const STANDARD_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };
const TEXTS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
};

/** Traefik pkg/middlewares/redirect: the expression sees the URL with its scheme and host. */
export function redirectRegex(config: DynamicObject, request: GatewayRequest): Step {
  const url = `${request.tls ? 'https' : 'http'}://${request.host}${request.target}`;
  return redirected(request, { url, regex: textOf(config, 'regex'), replacement: textOf(config, 'replacement'), config });
}

/** The same for another scheme. A request that says that it came over it is let through. */
export function redirectScheme(config: DynamicObject, request: GatewayRequest): Step {
  const [scheme, port] = [textOf(config, 'scheme'), textOf(config, 'port')];
  const shownPort = port === '' || port === STANDARD_PORTS[scheme] ? '' : `:${port}`;
  return redirected(request, { url: clientUrl(request), regex: URL_PARTS, replacement: `${scheme}://\${2}${shownPort}\${4}`, config });
}

/** The URL that the client asked for, as far as can be told. */
function clientUrl({ host, target, headers, tls }: GatewayRequest): string {
  const { name = host, port } = /^(?:\[(?<bare>[^\]]*)\]|(?<name>[^:[\]]*)):(?<port>[^:]*)$/.exec(host)?.groups ?? {};
  const said = /^(?:(http|ws)|(https|wss))$/i.exec(headers.get('x-forwarded-proto')?.[0] ?? '');
  const scheme = said === null ? (tls ? 'https' : 'http') : said[2] === undefined ? 'http' : 'https';
  const shownPort = port === undefined || port === STANDARD_PORTS[scheme] ? '' : `:${port}`;
  return `${scheme}://${port === undefined ? host : bareName(host, name)}${shownPort}${target}`;
}

/** Go's SplitHostPort takes the brackets off an IPv6 address. */
const bareName = (host: string, name: string): string => /^\[(?<bare>[^\]]*)\]/.exec(host)?.groups?.['bare'] ?? name;

interface Redirection {
  readonly url: string;
  readonly regex: string;
  readonly replacement: string;
  readonly config: DynamicObject;
}

function redirected(request: GatewayRequest, { url, regex, replacement, config }: Redirection): Step {
  const replacer = goReplacer(regex);
  if (replacer?.first(url) === undefined) return { kind: 'pass', request };
  const wanted = replacer.replaceAll(url, replacement);
  const location = rewriteUrl(wanted);
  if (location === undefined) return plainAnswer(502, 'Bad Gateway');
  if (wanted === url) return { kind: 'pass', request };
  const isPermanent = config['permanent'] === true;
  const status = request.method === 'GET' ? (isPermanent ? 301 : 302) : isPermanent ? 308 : 307;
  return plainAnswer(status, TEXTS[status] ?? '', { location });
}
