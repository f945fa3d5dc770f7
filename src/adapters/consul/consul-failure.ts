import { errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';

/** Why a request failed. */
export interface ConsulFailure {
  readonly problem: Problem;
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** True when the request may have had its effect although no proper answer came. */
  readonly unclear: boolean;
  /** The text of the answer, at most 300 characters. */
  readonly text: string;
}

/** What the client package throws: an Error with these marks. */
interface PackageError {
  readonly isTimeout?: unknown;
  /** True when the status is the error. A connection that breaks amid the body has a `response` too, of status 200. */
  readonly isResponse?: unknown;
  readonly isCodec?: unknown;
  readonly code?: unknown;
  readonly response?: { readonly statusCode?: unknown; readonly body?: unknown };
}

const UNKNOWN_AUTHORITY = 'Set `consul.caFile` to the certificate authority that signed the certificate of Consul.';
const WANTS_CERTIFICATE = 'Set `consul.certFile` and `consul.keyFile` to a client certificate that Consul accepts.';

/** What to do about TLS errors of Node and OpenSSL, by their code: trying again mends none. */
const TLS_REMEDIES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'Renew the certificate of Consul.',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Set `consul.serverName` to a name in the certificate of Consul, such as server.dc1.consul.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTS_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: WANTS_CERTIFICATE,
  ERR_SSL_WRONG_VERSION_NUMBER: 'Consul speaks no TLS at this address: correct the scheme or the port of `consul.address`.',
};

/** Codes of errors that come before anything was sent. */
const NOT_SENT = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
]);

/** Turns an error of the client package into what the loop needs to know. `request` names the call, such as `GET catalog/nodes`. */
export function classifyFailure(error: unknown, request: string): ConsulFailure {
  const marks = (error ?? {}) as PackageError;
  const status = marks.isResponse === true ? marks.response?.statusCode : undefined;
  const text = answerText(marks.response?.body);
  if (marks.isCodec === true) {
    return { problem: badAnswer(`${request}: the answer is not JSON (${errorText(error)})`), status: undefined, unclear: true, text };
  }
  if (typeof status === 'number') return { problem: statusProblem(status, request, text), status, unclear: status >= 500, text };
  const unclear = typeof marks.code !== 'string' || !NOT_SENT.has(marks.code);
  const reason = marks.isTimeout === true ? 'no answer in time' : errorText(error);
  const remedy = typeof marks.code === 'string' ? TLS_REMEDIES[marks.code] : undefined;
  const more = remedy === undefined ? {} : { remedy };
  return { problem: problem('CONSUL_UNAVAILABLE', `${request} failed: ${reason}`, more), status: undefined, unclear, text };
}

/** The problem of an answer that Consul cannot have given. */
export const badAnswer = (message: string): Problem => problem('CONSUL_BAD_ANSWER', message);

function statusProblem(status: number, request: string, text: string): Problem {
  const message = `${request} was answered with ${status}${text === '' ? '' : ` (${text})`}`;
  if (status === 401 || status === 403) return problem('CONSUL_FORBIDDEN', message);
  if (status === 429 || status >= 500) return problem('CONSUL_UNAVAILABLE', message);
  if (status === 413) return problem('CONSUL_TOO_LARGE', message);
  if (status === 400 && !text.startsWith('<')) return problem('CONSUL_REFUSED', message);
  return badAnswer(message);
}

function answerText(body: unknown): string {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : '';
  return text.trim().slice(0, 300);
}
