/** A value of the dynamic configuration, as Traefik's API shows it. */
export type DynamicValue = string | number | boolean | readonly DynamicValue[] | DynamicObject;

export interface DynamicObject {
  readonly [field: string]: DynamicValue;
}

/**
 * The structs of Traefik's dynamic configuration that tags are decoded into, one a line: `name:type` for each field in the order of Go.
 * Types: `string`, `int`, `bool`, `duration`, `raw` (anything), another struct, `*` a pointer, `[]` a list, `{}` a map by name. A `+` before
 * the name: may stand without fields, as `tls=true`; a `-`: tags cannot set it, but what stands under it is still checked. `servers=server`: the
 * first of a list, under another name. `!`: shown in the API even when zero. Source: traefik 3.6.12 pkg/config/dynamic, read by reflection.
 */
export const DYNAMIC_TYPES = {
  AddPrefix: 'prefix:string',
  BasicAuth: 'users:[]string usersFile:string realm:string removeHeader:bool headerField:string',
  Buffering: 'maxRequestBodyBytes:int memRequestBodyBytes:int maxResponseBodyBytes:int memResponseBodyBytes:int retryExpression:string',
  Chain: 'middlewares:[]string',
  CircuitBreaker: 'expression:string checkPeriod:duration fallbackDuration:duration recoveryDuration:duration responseCode:int',
  ClientTLS: 'ca:string cert:string key:string insecureSkipVerify:bool caOptional:*bool',
  Compress:
    'excludedContentTypes:[]string includedContentTypes:[]string minResponseBodyBytes:int encodings:[]string defaultEncoding:string',
  Configuration: 'http:*HTTPConfiguration tcp:*TCPConfiguration udp:*UDPConfiguration tls:*TLSConfiguration',
  ContentType: 'autoDetect:*bool',
  Cookie: 'name:string secure:bool httpOnly:bool sameSite:string maxAge:int path:*string domain:string',
  DigestAuth: 'users:[]string usersFile:string removeHeader:bool realm:string headerField:string',
  ErrorPage: 'status:[]string statusRewrites:{}int service:string query:string',
  Failover: 'service:string fallback:string +healthCheck:*HealthCheck',
  ForwardAuth:
    'address:string tls:*ClientTLS trustForwardHeader:bool authResponseHeaders:[]string authResponseHeadersRegex:string authRequestHeaders:[]string maxResponseBodySize:*int addAuthCookiesToResponse:[]string headerField:string forwardBody:bool maxBodySize:*int preserveLocationHeader:bool preserveRequestMethod:bool',
  ForwardingTimeouts:
    'dialTimeout:duration responseHeaderTimeout:duration idleConnTimeout:duration readIdleTimeout:duration pingTimeout:duration',
  GRPCStatus: 'code:int msg:string',
  GrpcWeb: 'allowOrigins:[]string',
  HRWService: 'name:string weight:*int',
  HTTPConfiguration:
    'routers:{}*Router services:{}*Service middlewares:{}*Middleware models:{}*Model -serversTransports:{}*ServersTransport',
  HeaderModifier: 'set:{}string add:{}string remove:[]string',
  Headers:
    'customRequestHeaders:{}string customResponseHeaders:{}string accessControlAllowCredentials:bool accessControlAllowHeaders:[]string accessControlAllowMethods:[]string accessControlAllowOriginList:[]string accessControlAllowOriginListRegex:[]string accessControlExposeHeaders:[]string accessControlMaxAge:int addVaryHeader:bool allowedHosts:[]string hostsProxyHeaders:[]string sslProxyHeaders:{}string stsSeconds:*int stsIncludeSubdomains:bool stsPreload:bool forceSTSHeader:bool frameDeny:bool customFrameOptionsValue:string contentTypeNosniff:bool browserXssFilter:bool customBrowserXSSValue:string contentSecurityPolicy:string contentSecurityPolicyReportOnly:string publicKey:string referrerPolicy:string permissionsPolicy:string isDevelopment:bool featurePolicy:*string sslRedirect:*bool sslTemporaryRedirect:*bool sslHost:*string sslForceHost:*bool',
  HealthCheck: '',
  HighestRandomWeight: 'services:[]HRWService +healthCheck:*HealthCheck',
  IPAllowList: 'sourceRange:[]string +ipStrategy:*IPStrategy +rejectStatusCode:int',
  IPStrategy: 'depth:int excludedIPs:[]string ipv6Subnet:*int',
  IPWhiteList: 'sourceRange:[]string +ipStrategy:*IPStrategy',
  InFlightReq: 'amount:int sourceCriterion:*SourceCriterion',
  Middleware:
    'addPrefix:*AddPrefix stripPrefix:*StripPrefix stripPrefixRegex:*StripPrefixRegex replacePath:*ReplacePath replacePathRegex:*ReplacePathRegex chain:*Chain ipWhiteList:*IPWhiteList ipAllowList:*IPAllowList headers:*Headers errors:*ErrorPage rateLimit:*RateLimit redirectRegex:*RedirectRegex redirectScheme:*RedirectScheme basicAuth:*BasicAuth digestAuth:*DigestAuth forwardAuth:*ForwardAuth inFlightReq:*InFlightReq buffering:*Buffering circuitBreaker:*CircuitBreaker +compress:*Compress passTLSClientCert:*PassTLSClientCert retry:*Retry +contentType:*ContentType grpcWeb:*GrpcWeb plugin:{}{}raw -requestHeaderModifier:*HeaderModifier -responseHeaderModifier:*HeaderModifier -requestRedirect:*RequestRedirect -URLRewrite:*URLRewrite',
  MirrorService: 'name:string percent:int',
  Mirroring: 'service:string mirrorBody:*bool maxBodySize:*int mirrors:[]MirrorService +healthCheck:*HealthCheck',
  Model:
    'middlewares:[]string +tls:*RouterTLSConfig observability:RouterObservabilityConfig -deniedEncodedPathCharacters:*RouterDeniedEncodedPathCharacters -defaultRuleSyntax:string',
  PassTLSClientCert: 'pem:bool info:*TLSClientCertificateInfo',
  PassiveServerHealthCheck: 'failureWindow:duration maxFailedAttempts:int',
  ProxyProtocol: 'version:int',
  RateLimit: 'average:int period:duration burst:int sourceCriterion:*SourceCriterion redis:*Redis',
  RedirectRegex: 'regex:string replacement:string permanent:bool',
  RedirectScheme: 'scheme:string port:string permanent:bool -forcePermanentRedirect:bool',
  Redis:
    'endpoints:[]string tls:*RedisTLS username:string password:string db:int poolSize:int minIdleConns:int maxActiveConns:int readTimeout:*duration writeTimeout:*duration dialTimeout:*duration',
  ReplacePath: 'path:string',
  ReplacePathRegex: 'regex:string replacement:string',
  RequestRedirect: 'scheme:*string hostname:*string port:*string path:*string pathPrefix:*string statusCode:int',
  ResponseForwarding: 'flushInterval:duration',
  Retry: 'attempts:int initialInterval:duration',
  Router:
    'entryPoints:[]string middlewares:[]string service:string rule:string -parentRefs:[]string ruleSyntax:string priority:int +tls:*RouterTLSConfig observability:*RouterObservabilityConfig -defaultRule:bool -deniedEncodedPathCharacters:*RouterDeniedEncodedPathCharacters',
  RouterDeniedEncodedPathCharacters:
    'allowEncodedSlash:bool allowEncodedBackSlash:bool allowEncodedNullCharacter:bool allowEncodedSemicolon:bool allowEncodedPercent:bool allowEncodedQuestionMark:bool allowEncodedHash:bool',
  RouterObservabilityConfig: 'accessLogs:*bool metrics:*bool tracing:*bool traceVerbosity:string',
  RouterTCPTLSConfig: 'passthrough!:bool options:string certResolver:string domains:[]Domain',
  RouterTLSConfig: 'options:string certResolver:string domains:[]Domain',
  Server: 'url:string weight:*int preservePath:bool -fenced:bool scheme:string port:string',
  ServerHealthCheck:
    'scheme:string mode:string path:string method:string status:int port:int interval:duration unhealthyInterval:*duration timeout:duration hostname:string followRedirects:*bool headers:{}string',
  ServersLoadBalancer:
    '+sticky:*Sticky servers=server:[]Server strategy:string healthCheck:*ServerHealthCheck passiveHealthCheck:*PassiveServerHealthCheck passHostHeader!:*bool responseForwarding:*ResponseForwarding serversTransport:string',
  ServersTransport:
    'serverName:string insecureSkipVerify:bool rootCAs:[]string certificates:[]Certificate maxIdleConnsPerHost:int forwardingTimeouts:*ForwardingTimeouts disableHTTP2:bool peerCertURI:string +spiffe:*Spiffe',
  Service:
    'loadBalancer:*ServersLoadBalancer -highestRandomWeight:*HighestRandomWeight -weighted:*WeightedRoundRobin -mirroring:*Mirroring -failover:*Failover',
  SourceCriterion: 'ipStrategy:*IPStrategy requestHeaderName:string requestHost:bool',
  Spiffe: 'ids:[]string trustDomain:string',
  Sticky: '+cookie:*Cookie',
  StripPrefix: 'prefixes:[]string forceSlash:*bool',
  StripPrefixRegex: 'regex:[]string',
  TCPConfiguration:
    'routers:{}*TCPRouter services:{}*TCPService middlewares:{}*TCPMiddleware -models:{}*TCPModel -serversTransports:{}*TCPServersTransport',
  TCPIPAllowList: 'sourceRange:[]string',
  TCPIPWhiteList: 'sourceRange:[]string',
  TCPInFlightConn: 'amount:int',
  TCPMiddleware: 'inFlightConn:*TCPInFlightConn ipWhiteList:*TCPIPWhiteList ipAllowList:*TCPIPAllowList',
  TCPModel: '-defaultRuleSyntax:string',
  TCPRouter: 'entryPoints:[]string middlewares:[]string service:string rule:string ruleSyntax:string priority:int +tls:*RouterTCPTLSConfig',
  TCPServer: '-address:string port:string tls:bool',
  TCPServerHealthCheck: 'port:int send:string expect:string interval:duration unhealthyInterval:*duration timeout:duration',
  TCPServersLoadBalancer:
    'servers=server:[]TCPServer serversTransport:string +proxyProtocol:*ProxyProtocol terminationDelay:*int +healthCheck:*TCPServerHealthCheck',
  TCPServersTransport:
    'dialKeepAlive:duration dialTimeout:duration +proxyProtocol:*ProxyProtocol terminationDelay:duration +tls:*TLSClientConfig',
  TCPService: 'loadBalancer:*TCPServersLoadBalancer -weighted:*TCPWeightedRoundRobin',
  TCPWRRService: 'name:string weight:*int',
  TCPWeightedRoundRobin: 'services:[]TCPWRRService +healthCheck:*HealthCheck',
  TLSClientCertificateInfo:
    'notAfter:bool notBefore:bool sans:bool serialNumber:bool subject:*TLSClientCertificateSubjectDNInfo issuer:*TLSClientCertificateIssuerDNInfo',
  TLSClientCertificateIssuerDNInfo:
    'country:bool province:bool locality:bool organization:bool commonName:bool serialNumber:bool domainComponent:bool',
  TLSClientCertificateSubjectDNInfo:
    'country:bool province:bool locality:bool organization:bool organizationalUnit:bool commonName:bool serialNumber:bool domainComponent:bool',
  TLSClientConfig:
    'serverName:string insecureSkipVerify:bool rootCAs:[]string certificates:[]Certificate peerCertURI:string +spiffe:*Spiffe',
  TLSConfiguration: '-certificates:[]*CertAndStores -options:{}Options stores:{}Store',
  UDPConfiguration: 'routers:{}*UDPRouter services:{}*UDPService',
  UDPRouter: 'entryPoints:[]string service:string',
  UDPServer: '-address:string port:string',
  UDPServersLoadBalancer: 'servers=server:[]UDPServer',
  UDPService: 'loadBalancer:*UDPServersLoadBalancer -weighted:*UDPWeightedRoundRobin',
  UDPWRRService: 'name:string weight:*int',
  UDPWeightedRoundRobin: 'services:[]UDPWRRService',
  URLRewrite: 'hostname:*string path:*string pathPrefix:*string',
  WRRService: 'name:string weight:*int -headers:{}string -status:*int -gRPCStatus:*GRPCStatus',
  WeightedRoundRobin: 'services:[]WRRService sticky:*Sticky +healthCheck:*HealthCheck',
  CertAndStores: 'certFile:string keyFile:string stores:[]string',
  Certificate: 'certFile:string keyFile:string',
  ClientAuth: 'caFiles:[]string clientAuthType:string',
  GeneratedCert: 'resolver:string domain:*Domain',
  Options:
    'minVersion:string maxVersion:string cipherSuites:[]string curvePreferences:[]string clientAuth:ClientAuth sniStrict:bool alpnProtocols:[]string disableSessionTickets:bool preferServerCipherSuites:*bool',
  Store: '-defaultCertificate:*Certificate defaultGeneratedCert:*GeneratedCert',
  RedisTLS: 'ca:string cert:string key:string insecureSkipVerify:bool',
  Domain: 'main:string sans:[]string',
  // The provider's own labels: traefik pkg/provider/consulcatalog/label.go.
  Extra: 'enable:bool consulCatalog:ExtraCatalog',
  ExtraCatalog: 'connect:bool canary:bool',
} as const satisfies Record<string, string>;

/** What Traefik's `SetDefaults` writes into a new struct; durations as the API shows them. */
export const DYNAMIC_DEFAULTS: Readonly<Partial<Record<keyof typeof DYNAMIC_TYPES, DynamicObject>>> = {
  CircuitBreaker: { checkPeriod: '100ms', fallbackDuration: '10s', recoveryDuration: '10s', responseCode: 503 },
  Compress: { encodings: ['gzip', 'br', 'zstd'] },
  Cookie: { path: '/' },
  ForwardAuth: { maxBodySize: -1 },
  ForwardingTimeouts: { dialTimeout: '30s', idleConnTimeout: '1m30s', pingTimeout: '15s' },
  HRWService: { weight: 1 },
  Mirroring: { mirrorBody: true, maxBodySize: -1 },
  PassiveServerHealthCheck: { failureWindow: '10s', maxFailedAttempts: 1 },
  ProxyProtocol: { version: 2 },
  RateLimit: { period: '1s', burst: 1 },
  Redis: { endpoints: ['localhost:6379'], readTimeout: '3s', writeTimeout: '3s', dialTimeout: '5s' },
  ResponseForwarding: { flushInterval: '100ms' },
  RouterObservabilityConfig: { traceVerbosity: 'minimal' },
  ServerHealthCheck: { mode: 'http', interval: '30s', timeout: '5s', followRedirects: true },
  ServersLoadBalancer: { strategy: 'wrr', passHostHeader: true, responseForwarding: { flushInterval: '100ms' } },
  TCPServerHealthCheck: { interval: '30s', timeout: '5s' },
  TCPServersTransport: { dialKeepAlive: '15s', dialTimeout: '30s', terminationDelay: '100ms' },
  TCPWRRService: { weight: 1 },
  UDPWRRService: { weight: 1 },
  WRRService: { weight: 1 },
};
