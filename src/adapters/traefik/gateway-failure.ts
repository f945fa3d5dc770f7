import type { ReplicaName } from '../../core/model/ids.ts';
import { errorText } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';

const UNKNOWN_AUTHORITY = 'Set `caFile` of this replica in `traefik.api` to the certificate authority that signed its certificate.';

/** What to do about TLS errors of Node and OpenSSL, by their code: trying again mends none. */
const TLS_REMEDIES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'Renew the certificate of this Traefik.',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use a host name in `traefik.api` that the certificate of this Traefik carries.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'This Traefik speaks no TLS here: correct the scheme or the port in `traefik.api`.',
};

/** An answer that tells nothing: its status is not 200, or it is not what the API of Traefik says. */
export class BadAnswer extends Error {
  /** The HTTP status; 200 when it is the content that is wrong. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Why nothing could be learnt of a replica. Never shows what it answered: the API tells the users of middlewares. */
export function gatewayProblem(replica: ReplicaName, error: unknown): Problem {
  const title = `Traefik replica ${replica}`;
  if (error instanceof BadAnswer) {
    if (error.status === 401 || error.status === 403) return problem('TRAEFIK_FORBIDDEN', `${title} refuses its API: ${error.message}`);
    if (error.status === 429 || error.status >= 500) return problem('TRAEFIK_UNREACHABLE', `${title} does not answer: ${error.message}`);
    return problem('TRAEFIK_BAD_ANSWER', `${title} does not answer like Traefik 3: ${error.message}`);
  }
  const isTimeout = error instanceof Error && error.name === 'TimeoutError';
  const reason = isTimeout ? 'no answer in time' : errorText(error);
  const remedy = TLS_REMEDIES[codeOf(error)];
  return problem('TRAEFIK_UNREACHABLE', `${title} does not answer: ${reason}`, remedy === undefined ? {} : { remedy });
}

function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === 'string') return code;
  return cause === undefined ? '' : codeOf(cause);
}
