import { parseGoBool } from '../tag-kinds.ts';
import { flag, headerMap, list, numberAbove0, text } from '../turn-value.ts';
import type { TurnContext, Turned, V1Key } from '../v1-key.ts';
import { idle, NOTHING, unread } from '../v1-key.ts';

const HEADERS = 'frontend.headers';

const rows = (names: string, turn: V1Key['turn']): readonly V1Key[] =>
  names.split(' ').map((name) => ({ key: `${HEADERS}.${name}`, class: 'exact', to: `M.headers.${name.toLowerCase()}`, turn }));

const isOn = ({ options }: TurnContext, name: string): boolean => parseGoBool(options.get(`${HEADERS}.${name}`)) === true;
/** `isDevelopment` switches the redirections off. */
const redirects = (context: TurnContext): boolean => isOn(context, 'SSLRedirect') && !isOn(context, 'isDevelopment');

/** What is turned only when the value is true. */
function whenTrue(value: string, turn: () => Turned): Turned {
  const read = parseGoBool(value);
  if (read === undefined) return unread(value, 'a boolean');
  return read ? turn() : NOTHING;
}

/** Headers of requests and answers, and the redirections that Traefik 1 has among them. */
export const HEADER_KEYS: readonly V1Key[] = [
  ...rows('customRequestHeaders customResponseHeaders', headerMap),
  ...rows('allowedHosts hostsProxyHeaders', list),
  ...rows('STSSeconds', numberAbove0),
  ...rows('STSIncludeSubdomains STSPreload forceSTSHeader frameDeny contentTypeNosniff browserXSSFilter isDevelopment', flag),
  ...rows('customFrameOptionsValue customBrowserXSSValue contentSecurityPolicy publicKey referrerPolicy', text),
  {
    key: `${HEADERS}.SSLProxyHeaders`,
    class: 'exact',
    to: 'M.headers.sslproxyheaders',
    remark: 'with SSLRedirect: that redirection does not look at it',
    turn: (value, to, context) => {
      const turned = headerMap(value, to, context);
      if (turned.fields === undefined || !redirects(context)) return turned;
      const reason = 'no longer keeps a request from being redirected: Traefik 3 looks at X-Forwarded-Proto from trusted addresses only';
      return { ...turned, told: { class: 'approximate', reason } };
    },
  },
  {
    key: `${HEADERS}.SSLRedirect`,
    class: 'rewritten',
    to: 'M-ssl.redirectscheme.scheme=https',
    remark: 'does nothing among the headers of Traefik 3; it becomes a redirection on the routers without TLS',
    turn: (value, _, context) =>
      whenTrue(value, () => {
        if (!redirects(context)) return idle('while isDevelopment is true');
        const permanent = String(!isOn(context, 'SSLTemporaryRedirect'));
        const host = context.options.get(`${HEADERS}.SSLHost`) ?? '';
        if (host !== '') {
          const regex = { 'M-ssl.redirectregex.regex': '^https?://[^/]+(.*)$', 'M-ssl.redirectregex.replacement': `https://${host}\${1}` };
          return { fields: { ...regex, 'M-ssl.redirectregex.permanent': permanent } };
        }
        return { fields: { 'M-ssl.redirectscheme.scheme': 'https', 'M-ssl.redirectscheme.permanent': permanent } };
      }),
  },
  {
    key: `${HEADERS}.SSLTemporaryRedirect`,
    class: 'rewritten',
    to: 'M-ssl.redirectscheme.permanent=false',
    remark: 'does nothing among the headers of Traefik 3; it makes the redirection of SSLRedirect a temporary one',
    turn: (value, _, context) => whenTrue(value, () => (redirects(context) ? {} : idle(`without traefik.${HEADERS}.SSLRedirect=true`))),
  },
  {
    key: `${HEADERS}.SSLHost`,
    class: 'rewritten',
    to: 'M-ssl.redirectregex.replacement',
    remark: 'does nothing among the headers of Traefik 3; it becomes the host of a redirection on the routers without TLS',
    turn: (value, _, context) => {
      if (value === '') return NOTHING;
      return redirects(context) || isOn(context, 'SSLForceHost') ? {} : idle(`without traefik.${HEADERS}.SSLRedirect=true`);
    },
  },
  {
    key: `${HEADERS}.SSLForceHost`,
    class: 'impossible',
    to: '–',
    remark: 'sends requests for every other host to SSLHost, which no middleware of Traefik 3 does',
    remedy: 'Write a router of its own for the other hosts, with a redirectregex, in poolkeeper.dev/tags.',
    turn: (value, _, { options }) =>
      whenTrue(value, () => ((options.get(`${HEADERS}.SSLHost`) ?? '') === '' ? idle(`without traefik.${HEADERS}.SSLHost`) : {})),
  },
];

const CERTIFICATE = 'frontend.passTLSClientCert';
const RENAMED = 'goes into the header X-Forwarded-Tls-Client-Cert-Info, where Traefik 1 has …-Infos, and is written in another way';
const OF_NAME = 'commonName country domainComponent locality organization province serialNumber'.split(' ');

const infoRow = (name: string, remark = RENAMED): V1Key => ({
  key: `${CERTIFICATE}.infos.${name}`,
  class: 'approximate',
  to: `M.passtlsclientcert.info.${name.toLowerCase()}`,
  remark,
  turn: flag,
});

/** What the backend is told of the certificate of a client. */
export const CLIENT_CERTIFICATE_KEYS: readonly V1Key[] = [
  { key: `${CERTIFICATE}.pem`, class: 'exact', to: 'M.passtlsclientcert.pem', turn: flag },
  ...['notAfter', 'notBefore', 'sans'].map((name) => infoRow(name)),
  ...OF_NAME.map((name) => infoRow(`subject.${name}`)),
  ...OF_NAME.map((name) =>
    infoRow(`issuer.${name}`, `${RENAMED}; Traefik 1 takes what it tells of the issuer from the flags of the subject`),
  ),
  {
    key: 'frontend.passTLSCert',
    class: 'impossible',
    to: '–',
    remark: 'shows the certificates of Traefik to the backend, which tags cannot ask for in Traefik 3',
    remedy:
      'Write a serversTransport with certificates in the file provider, and name it in Traefik 3 tags by loadbalancer.serverstransport=NAME@file.',
    turn: (value) => whenTrue(value, () => ({})),
  },
];
