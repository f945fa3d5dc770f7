import * as kind from './kinds.ts';
import { option, optional } from './option.ts';

/** How the catalog provider of Traefik 3 is set up. */
export const TRAEFIK_CATALOG = {
  prefix: optional(kind.text, 'The option providers.consulCatalog.prefix of Traefik 3, by default `traefik`; routes are foreseen by it.'),
  exposedByDefault: optional(
    kind.bool,
    'The option providers.consulCatalog.exposedByDefault of Traefik 3. Not set: among what others have registered only what has tags for Traefik counts as exposed.',
  ),
  defaultRule: optional(kind.text, 'The option providers.consulCatalog.defaultRule of Traefik 3, where it is not its own default.'),
  constraints: optional(kind.text, 'The option providers.consulCatalog.constraints of Traefik 3, such as "Tag(`kubernetes`)".'),
};

/** What Traefik 3 has beside the catalog. */
export const TRAEFIK_KNOWN = {
  entryPoints: optional(
    kind.list(kind.entryPoint),
    'The entry points of Traefik 3 by name, those for UDP as `dns/udp`: a route on any other is told before it is written. Not set: nothing is said of them.',
  ),
  middlewares: optional(
    kind.list(kind.text),
    'Middlewares of other providers, such as `auth@file`. A route with another one is not written. Those that `traefik.api` tells of count as well; without both nothing is said of them. The same holds for the next options.',
  ),
  services: optional(kind.list(kind.text), 'Traefik services of other providers, such as `legacy@file`.'),
  serversTransports: optional(kind.list(kind.text), 'Servers transports of other providers, such as `mtls@file`; the API tells none.'),
  tlsOptions: optional(kind.list(kind.text), 'TLS options of other providers, such as `modern@file`; the API tells none.'),
  certResolvers: optional(kind.list(kind.text), 'The certificate resolvers of Traefik, such as `letsencrypt`; the API tells none.'),
};

/** How routes are tried. */
export const TRAEFIK_PROBE = {
  url: optional(
    kind.httpUrl,
    'An entry point of Traefik, such as http://traefik:80: routes that name a host are tried there with GET requests. With https only routers with TLS, else only those without. Not set: no route is tried.',
  ),
  intervalMs: option(kind.duration, '30s', 'How often each route is tried, ten percent more or less.'),
  timeoutMs: option(kind.duration, '5s', 'The longest one try may take.'),
  caFile: optional(
    kind.file,
    'PEM file with the certificate authorities of the hosts that are tried over https; the name is that of the route.',
  ),
  insecureSkipVerify: option(kind.bool, false, 'Whether certificates are not checked.'),
};
