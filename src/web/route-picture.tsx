import type { JSX } from 'preact';
import type { PoolPicture, RoutePicture, ServerPicture } from '../core/report/pool-picture.ts';
import { StateIcon } from './icons.tsx';
import { open } from './store.ts';
import type { Tone } from './words.ts';

const SERVER: Readonly<Record<ServerPicture['state'], readonly [Tone, string]>> = {
  up: ['good', 'up'],
  down: ['bad', 'down'],
  missing: ['bad', 'not in Traefik yet'],
  lingering: ['busy', 'leaves'],
  expected: ['quiet', 'registered'],
};

/** The way of a request: rule, middlewares, servers. */
export function RoutePictures({ picture: { routes, toldBy } }: { readonly picture: PoolPicture }): JSX.Element {
  if (routes.length === 0) return <p class="quiet">Traefik has no route to this service: its tags do not ask for one.</p>;
  return (
    <>
      {routes.map((route) => (
        <Route key={route.name} route={route} />
      ))}
      <p class="quiet">
        {toldBy === undefined ? 'Told from the tags in Consul; no Traefik is watched.' : `As Traefik ${toldBy} serves it.`}
      </p>
    </>
  );
}

function Route({ route }: { readonly route: RoutePicture }): JSX.Element {
  const { name, rule, entryPoints, tls, priority, middlewares, errors, servers } = route;
  return (
    <figure class="route" aria-label={`Route ${name}`}>
      <figcaption>
        <b>{name}</b>
        <span class="quiet">
          {[...entryPoints, ...(tls ? ['TLS'] : []), ...(priority === undefined || priority === 0 ? [] : [`priority ${priority}`])].join(
            ' · ',
          )}
        </span>
      </figcaption>
      <ol class="route-way">
        <li class="rule">{rule === undefined ? <span class="quiet">any connection</span> : <code>{rule}</code>}</li>
        {middlewares.length > 0 && (
          <li class="middlewares">
            {middlewares.map((one) => (
              <span key={one} class="middleware">
                {one.replace('@consulcatalog', '')}
              </span>
            ))}
          </li>
        )}
        <li class="servers">
          {servers.length === 0 ? <span class="bad">no server</span> : servers.map((server) => <Server key={server.url} server={server} />)}
        </li>
      </ol>
      {errors.map((error) => (
        <p key={error} class="bad">
          {error}
        </p>
      ))}
    </figure>
  );
}

function Server({ server: { url, node, state } }: { readonly server: ServerPicture }): JSX.Element {
  const [tone, words] = SERVER[state];
  return (
    <div class="server">
      <StateIcon tone={tone} />
      {node === undefined ? (
        <span>no node known</span>
      ) : (
        <button type="button" class="plain link" onClick={() => open({ kind: 'node', name: node })}>
          {node}
        </button>
      )}
      <code>{url.replace('http://', '')}</code>
      <span class={`quiet ${tone}`}>{words}</span>
    </div>
  );
}
