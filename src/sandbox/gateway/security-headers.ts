import type { DynamicObject } from '../../core/routes/dynamic-types.ts';
import { type GatewayRequest, type HeaderMap, headerText } from './gateway-request.ts';
import { listOf, objectOf, textOf } from './middleware-config.ts';

/** Whether `allowedHosts` lets the host of the request through; its port counts. Source: unrolled/secure processRequest. */
export function isHostAllowed(config: DynamicObject, { host, headers }: GatewayRequest): boolean {
  const allowed = listOf(config, 'allowedHosts');
  if (allowed.length === 0 || config['isDevelopment'] === true) return true;
  const said = listOf(config, 'hostsProxyHeaders').map((name) => headers.get(name.toLowerCase())?.[0] ?? '');
  const asked = (said.find((one) => one !== '') ?? host).toLowerCase();
  return allowed.some((one) => one.toLowerCase() === asked);
}

/** The security headers that the answer to a request gets. */
export function securityHeaders(config: DynamicObject, request: GatewayRequest): HeaderMap {
  const isDevelopment = config['isDevelopment'] === true;
  const isEncrypted = request.tls || saysEncrypted(config, request);
  const seconds = Number(config['stsSeconds'] ?? 0);
  const hasSts = seconds !== 0 && (isEncrypted || config['forceSTSHeader'] === true) && !isDevelopment;
  const sts = `max-age=${seconds}${config['stsIncludeSubdomains'] === true ? '; includeSubDomains' : ''}${config['stsPreload'] === true ? '; preload' : ''}`;
  const values: Readonly<Record<string, string>> = {
    'strict-transport-security': hasSts ? sts : '',
    'x-frame-options': textOf(config, 'customFrameOptionsValue') || (config['frameDeny'] === true ? 'DENY' : ''),
    'x-content-type-options': config['contentTypeNosniff'] === true ? 'nosniff' : '',
    'x-xss-protection': textOf(config, 'customBrowserXSSValue') || (config['browserXssFilter'] === true ? '1; mode=block' : ''),
    'public-key-pins': isEncrypted && !isDevelopment ? textOf(config, 'publicKey') : '',
    'content-security-policy': textOf(config, 'contentSecurityPolicy'),
    'content-security-policy-report-only': textOf(config, 'contentSecurityPolicyReportOnly'),
    'referrer-policy': textOf(config, 'referrerPolicy'),
    'permissions-policy': textOf(config, 'permissionsPolicy'),
  };
  return new Map(Object.entries(values).flatMap(([name, value]) => (value === '' ? [] : [[name, [headerText(value)]] as const])));
}

const saysEncrypted = (config: DynamicObject, { headers }: GatewayRequest): boolean =>
  Object.entries(objectOf(config, 'sslProxyHeaders')).some(([name, value]) => (headers.get(name.toLowerCase())?.[0] ?? '') === value);
