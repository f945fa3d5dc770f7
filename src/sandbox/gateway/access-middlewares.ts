import { STATUS_CODES } from 'node:http';
import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { isInIpRange, parseIpRange } from '../../shared/ip-range.ts';
import { type GatewayRequest, plainAnswer, type Step, withHeader } from './gateway-request.ts';
import { isPassword } from './htpasswd.ts';
import { listOf, objectOf, textOf } from './middleware-config.ts';
import { notSupported } from './not-supported.ts';

/** Traefik pkg/middlewares/ipallowlist; also for the older ipWhiteList. */
export function ipAllowList(config: DynamicObject, request: GatewayRequest): Step {
  const client = clientOf(objectOf(config, 'ipStrategy'), request);
  if (isInRanges(client, listOf(config, 'sourceRange'))) return { kind: 'pass', request };
  const status = Number(config['rejectStatusCode'] ?? 403);
  return plainAnswer(status, STATUS_CODES[status] ?? '');
}

const isInRanges = (address: string, ranges: readonly string[]): boolean =>
  ranges.map(parseIpRange).some((range) => range !== undefined && isInIpRange(address, range));

/** The address that counts: the client's, or one that X-Forwarded-For tells. */
function clientOf(strategy: DynamicObject, { headers, clientIp }: GatewayRequest): string {
  const forwarded = (headers.get('x-forwarded-for')?.[0] ?? '').split(',').map((address) => address.trim());
  const depth = Number(strategy['depth'] ?? 0);
  if (depth > 0) return forwarded.at(-depth) ?? '';
  const excluded = listOf(strategy, 'excludedIPs');
  if (excluded.length === 0) return clientIp;
  return forwarded.findLast((address) => address !== '' && !isInRanges(address, excluded)) ?? '';
}

/** Traefik pkg/middlewares/auth: users with SHA-1 and MD5 passwords. */
export function basicAuth(config: DynamicObject, request: GatewayRequest): Step {
  const refusal = plainAnswer(401, '401 Unauthorized\n', {
    'content-type': 'text/plain',
    'www-authenticate': `Basic realm="${textOf(config, 'realm') || 'traefik'}"`,
  });
  const given = credentialsOf(request.headers.get('authorization')?.[0] ?? '');
  if (given === undefined) return refusal;
  const users = new Map(listOf(config, 'users').map((line) => line.split(':') as [string, string]));
  const secret = users.get(given.user);
  if (secret === undefined && config['usersFile'] !== undefined) return notSupported('a file of users for basicAuth');
  const isKnown = secret === undefined ? false : isPassword(given.password, secret);
  if (isKnown === undefined) return notSupported('bcrypt for basicAuth; use an {SHA} or $apr1$ password');
  if (!isKnown) return refusal;
  const field = textOf(config, 'headerField');
  const named = field === '' ? request.headers : withHeader(request.headers, field, given.user);
  return {
    kind: 'pass',
    request: { ...request, headers: config['removeHeader'] === true ? withHeader(named, 'authorization', undefined) : named },
  };
}

function credentialsOf(header: string): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic (?<encoded>(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/i.exec(header)?.groups?.['encoded'];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
