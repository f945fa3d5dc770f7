import { load } from 'js-yaml';
import { validate } from 'node-cron';
import { z } from 'zod';
import { parseLabelSelector } from '../core/model/parse-selector.ts';
import type { CatalogRefresh, RemovalLimit } from '../core/model/policy.ts';
import type { LabelSelector } from '../core/model/settings.ts';
import type { EntryPoint } from '../core/model/translation-policy.ts';
import { DURATION, parseDuration } from '../shared/duration.ts';
import { isTimeZone } from './time-zone.ts';

/** One kind of option value: how it is parsed from YAML, environment or flag, and how people are told what is expected. */
export interface Kind<V> {
  /** Completes "expected …": `a duration such as 30s`. */
  readonly expects: string;
  readonly schema: z.ZodType<V>;
  /** True when the value names a file that holds a secret. */
  readonly secretFile?: true;
  /** True when a flag may stand without a value. */
  readonly boolean?: true;
}

const matching = (pattern: RegExp, expects: string): Kind<string> => ({ expects, schema: z.string().regex(pattern) });

export const text: Kind<string> = matching(/\S/, 'text');
export const file: Kind<string> = matching(/\S/, 'the path of a file');
export const directory: Kind<string> = matching(/\S/, 'the path of a directory');
/** The path of a file that holds a secret, and nothing else. */
export const secretFile: Kind<string> = { ...file, secretFile: true };
export const id: Kind<string> = matching(/^[a-z0-9-]{1,32}$/, '1 to 32 of the characters a-z, 0-9 and -');
export const ownerId: Kind<string> = matching(
  /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/,
  '1 to 32 of the characters a-z, 0-9 and -, with no - at its ends',
);
export const namePrefix: Kind<string> = matching(/^[a-z0-9-]{0,32}$/, 'at most 32 of the characters a-z, 0-9 and -');
export const namespaceName: Kind<string> = matching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a namespace');

export const hostName: Kind<string> = matching(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'a host name without port');

export const commitId: Kind<string> = matching(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'the full id of a commit');

/** A path with slashes inside a repository or a key-value tree; slashes at its ends are dropped. */
const slashPath = (expects: string, least: 0 | 1): Kind<string> => ({
  expects,
  schema: z
    .string()
    .transform((value) => value.replace(/^\/+|\/+$/g, ''))
    .refine((value) => value.length >= least && !value.split('/').includes('..')),
});
export const folder: Kind<string> = slashPath('a folder of the repository, without ".."', 0);
export const keyPath: Kind<string> = slashPath('a key path such as kubernetes', 1);

// Node's timers overflow above 2^31 - 1 ms (24.8 days) and then fire at once.
const longestMs = 20 * 24 * 3_600_000;

const durationFrom = (leastMs: 0 | 1, expects: string): Kind<number> => ({
  expects,
  schema: z
    .string()
    .regex(DURATION)
    .transform((value) => parseDuration(value) ?? -1)
    .refine((ms) => ms >= leastMs && ms <= longestMs),
});
export const duration: Kind<number> = durationFrom(1, 'a duration such as 30s, 5m or 500ms, above 0 and at most 480h');
export const durationOrZero: Kind<number> = durationFrom(0, 'a duration such as 30s, 5m or 0s, at most 480h');

const numeric = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/)
    .transform(Number),
]);

/** A whole number between two bounds, both included. */
export const count = (least: number, most: number): Kind<number> => ({
  expects: `a whole number from ${least} to ${most}`,
  schema: numeric.pipe(z.int().min(least).max(most)),
});

export const share: Kind<number> = { expects: 'a number from 0 to 0.9', schema: numeric.pipe(z.number().min(0).max(0.9)) };

export const bool: Kind<boolean> = {
  expects: 'true or false',
  schema: z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]),
  boolean: true,
};

/** One of the given words. */
export const choice = <const W extends string>(...words: readonly W[]): Kind<W> => ({
  expects: `one of ${words.join(', ')}`,
  schema: z.enum(words),
});

/** A list; in the environment and on the command line its items are separated by commas. */
export const list = <V>(item: Kind<V>): Kind<readonly V[]> => ({
  expects: `a list, each item ${item.expects}`,
  schema: z
    .preprocess(
      (value) =>
        typeof value === 'string'
          ? value
              .split(',')
              .map((part) => part.trim())
              .filter((part) => part !== '')
          : value,
      z.array(item.schema),
    )
    .readonly(),
});

/** The address of an HTTP API. A URL with a user part is refused: secrets come from files only. */
export const httpUrl: Kind<string> = {
  expects: 'an http or https URL without user name and password',
  schema: z.string().refine((value) => {
    const url = URL.parse(value);
    return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  }),
};

/** A proxy for http; one with a password in it is refused: secrets come from files only. */
export const proxyUrl: Kind<string> = {
  expects: 'the URL of a proxy (http, https, socks5 or socks5h) without user name and password',
  schema: z.string().refine((value) => {
    const url = URL.parse(value);
    return url !== null && /^(https?|socks5h?):$/.test(url.protocol) && url.host !== '' && url.username === '' && url.password === '';
  }),
};

/** A repository, in any form that git takes; one with a password in it is refused: secrets come from files only. */
export const gitUrl: Kind<string> = {
  expects: 'a Git URL or path without a password in it (use git.passwordFile)',
  schema: z
    .string()
    .regex(/\S/)
    .refine((value) => {
      const url = URL.parse(value);
      return url === null || (url.password === '' && (url.username === '' || !/^https?:$/.test(url.protocol)));
    }),
};

/** Where the HTTP server listens. An empty host means every interface. */
export const listenAddress: Kind<{ readonly host: string; readonly port: number }> = {
  expects: 'host:port, such as 127.0.0.1:8080 or [::1]:8080',
  schema: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*):\d{1,5}$/)
    .transform((value) => {
      const colon = value.lastIndexOf(':');
      return { host: value.slice(0, colon).replace(/^\[|\]$/g, '') || '::', port: Number(value.slice(colon + 1)) };
    })
    .refine(({ port }) => port <= 65_535),
};

/** A label selector as kubectl takes it. */
export const labelSelector: Kind<LabelSelector> = {
  expects: 'a label selector such as "pool=edge,zone!=b"',
  schema: z.string().transform((value, context) => {
    const parsed = parseLabelSelector(value);
    if (parsed.kind === 'selector') return parsed.selector;
    context.addIssue({ code: 'custom', message: parsed.reason });
    return z.NEVER;
  }),
};

export const removalLimit: Kind<RemovalLimit> = {
  expects: 'a whole number, or a percentage such as 10%',
  schema: z.union([
    numeric.pipe(z.int().min(0)).transform((value): RemovalLimit => ({ kind: 'number', value })),
    z
      .string()
      .regex(/^\d{1,2}%$/)
      .transform((value): RemovalLimit => ({ kind: 'share', value: Number.parseInt(value, 10) / 100 })),
  ]),
};

/** The map from the entry point names of Traefik 1 tags to those of Traefik 3. As one line of text it is YAML's flow style. */
export const entryPoints: Kind<Readonly<Record<string, EntryPoint>>> = {
  expects: 'a map such as {http: {name: web, tls: false, port: 80}}',
  schema: z.preprocess(
    (value) => (typeof value === 'string' ? parseFlow(value) : value),
    z.record(
      z.string().regex(/\S/),
      z
        .strictObject({ name: z.string().regex(/\S/), tls: z.boolean().default(false), port: z.int().min(1).max(65_535).exactOptional() })
        .readonly(),
    ),
  ),
};

/** An entry point of Traefik, in the words of its own addresses: `web`, `dns/udp`. */
export const entryPoint: Kind<{ readonly name: string; readonly protocol: 'tcp' | 'udp' }> = {
  expects: 'the name of an entry point, for UDP with /udp at its end',
  schema: z
    .string()
    .regex(/^[^\s/]+(?:\/(?:tcp|udp))?$/)
    .transform((text) => ({ name: text.replace(/\/.*$/, ''), protocol: text.endsWith('/udp') ? ('udp' as const) : ('tcp' as const) })),
};

/** How Traefik learns of changes in Consul's catalog. */
export const catalogRefresh: Kind<CatalogRefresh> = {
  expects: 'watch, or a duration such as 15s',
  schema: z.union([
    z.literal('watch').transform((): CatalogRefresh => ({ kind: 'watch' })),
    duration.schema.transform((intervalMs): CatalogRefresh => ({ kind: 'poll', intervalMs })),
  ]),
};

/** A Traefik replica as the configuration names it. */
export interface ConfiguredReplica {
  readonly name: string;
  readonly url: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly insecureSkipVerify: boolean;
}

const replica = z
  .strictObject({
    name: id.schema,
    url: httpUrl.schema,
    username: text.schema.exactOptional(),
    passwordFile: secretFile.schema.exactOptional(),
    caFile: file.schema.exactOptional(),
    insecureSkipVerify: z.boolean().default(false),
  })
  .refine(({ username, passwordFile }) => (username === undefined) === (passwordFile === undefined), { path: ['passwordFile'] })
  .refine(({ url, caFile, insecureSkipVerify }) => url.startsWith('https:') || (caFile === undefined && !insecureSkipVerify), {
    path: ['url'],
  })
  .refine(({ caFile, insecureSkipVerify }) => caFile === undefined || !insecureSkipVerify, { path: ['insecureSkipVerify'] });

/** The Traefik replicas that are watched; names are unique. As one line of text it is YAML's flow style. */
export const gatewayReplicas: Kind<readonly ConfiguredReplica[]> = {
  expects:
    'a list such as [{name: edge-1, url: "https://10.0.0.5:8443", username: ops, passwordFile: /run/secrets/traefik}], each name once, username and passwordFile together, and caFile or insecureSkipVerify with https only and not both',
  schema: z.preprocess(
    (value) => (typeof value === 'string' ? parseFlow(value) : value),
    z
      .array(replica.readonly())
      .min(1)
      .max(64)
      .refine((replicas) => new Set(replicas.map(({ name }) => name)).size === replicas.length)
      .readonly(),
  ),
};

function parseFlow(value: string): unknown {
  try {
    return load(value);
  } catch {
    return undefined;
  }
}

export const cronExpression: Kind<string> = {
  expects: 'a cron expression such as "0 4 * * *" or "@daily"',
  schema: z.string().refine(validate),
};

export const timeZone: Kind<string> = { expects: 'an IANA time zone such as Europe/Istanbul', schema: z.string().refine(isTimeZone) };
