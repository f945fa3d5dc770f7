import { AppError } from '../../shared/errors.ts';
import { type Problem, problem } from '../../shared/problem.ts';
import { asList, asRecord, asText } from './json-access.ts';
import type { KubeAnswer } from './kube-client.ts';

/** One cause of a refusal: which field, and what is wrong with it. */
export interface StatusCause {
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

/** The `Status` object of a refusal. A body that is none (a proxy's page) becomes its message. */
export interface ApiStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  /** Plural resource and name of the object that the refusal is about; empty when it is about none. */
  readonly kind: string;
  readonly name: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterMs: number | undefined;
}

/** What was tried, for messages and for the rule that may be missing. */
export interface Attempt {
  readonly verb: 'get' | 'list' | 'watch' | 'patch' | 'delete' | 'create' | 'update';
  /** `deployments.apps`; empty for a request that is about no resource. */
  readonly resource: string;
  /** Empty for all namespaces, and for objects of the cluster. */
  readonly namespace: string;
  readonly name?: string;
  /** What people call the object, where one is written: `Deployment prod/web`. */
  readonly title?: string;
}

/** A request that the API server refused. */
export class ApiRefusal extends AppError {
  readonly status: ApiStatus;

  constructor(status: ApiStatus, attempt: Attempt) {
    super(problemOfStatus(status, attempt));
    this.name = 'ApiRefusal';
    this.status = status;
  }
}

/** The body of a 2xx answer; every other answer is thrown as ApiRefusal. */
export function requireSuccess(answer: KubeAnswer, attempt: Attempt): unknown {
  if (answer.status >= 200 && answer.status <= 299) return answer.body;
  throw new ApiRefusal(statusOfAnswer(answer), attempt);
}

/** The Status that an answer carries. */
export function statusOfAnswer(answer: KubeAnswer): ApiStatus {
  const status = statusOfObject(answer.body);
  const message = status.message === '' ? `status ${answer.status}` : status.message;
  return { ...status, code: answer.status, message, retryAfterMs: answer.retryAfterMs ?? status.retryAfterMs };
}

/** Reads a `Status` object, as refusals and ERROR events of watches hold it. */
export function statusOfObject(body: unknown): ApiStatus {
  const status = asRecord(body);
  const details = asRecord(status['details']);
  const seconds = details['retryAfterSeconds'];
  return {
    code: typeof status['code'] === 'number' ? status['code'] : 0,
    reason: asText(status['reason']),
    message: typeof body === 'string' ? firstLine(body) : asText(status['message']),
    kind: asText(details['kind']),
    name: asText(details['name']),
    causes: asList(details['causes']).map((cause) => {
      const { reason, field, message } = asRecord(cause);
      return { reason: asText(reason), field: asText(field), message: asText(message) };
    }),
    retryAfterMs: typeof seconds === 'number' ? seconds * 1000 : undefined,
  };
}

const firstLine = (text: string): string => text.trim().split('\n', 1)[0]?.slice(0, 200) ?? '';

/** `patch Deployment prod/web`; `list deployments.apps` where it is about no object. */
export function attemptTitle({ verb, resource, namespace, name, title }: Attempt): string {
  if (title !== undefined) return `${verb} ${title}`;
  const object = name === undefined ? '' : ` ${namespace === '' ? '' : `${namespace}/`}${name}`;
  return `${verb} ${resource}${object}`;
}

/** What a refusal is about: an apply is refused for what the object says, so its title says enough. */
const subjectOf = (attempt: Attempt): string =>
  attempt.verb === 'patch' && attempt.title !== undefined ? attempt.title : attemptTitle(attempt);

/**
 * What a refusal means to us.
 *
 * | status | meaning |
 * |---|---|
 * | 401, 403 of RBAC | KUBERNETES_FORBIDDEN, the missing rule named |
 * | 403 of a quota or a namespace that goes | KUBERNETES_REFUSED, tried again |
 * | 404 without an object | KUBERNETES_UNKNOWN_KIND |
 * | 404 of the namespace | KUBERNETES_REFUSED, tried again |
 * | 409, 422 of the uid | OBJECT_NOT_OURS for field conflicts, else KUBERNETES_CONFLICT |
 * | 422 of nothing but fields that cannot be changed | KUBERNETES_IMMUTABLE, the fields named |
 * | 400, 413, 415, other 422, and 500 "field not declared in schema" | KUBERNETES_REFUSED |
 * | 500 of an admission webhook that does not answer | KUBERNETES_REFUSED, tried again |
 * | the rest | KUBERNETES_UNAVAILABLE |
 */
export function problemOfStatus(status: ApiStatus, attempt: Attempt): Problem {
  const what = subjectOf(attempt);
  switch (status.code) {
    case 401:
      return problem('KUBERNETES_FORBIDDEN', `the API server does not know who we are (${what}): ${status.message}`, {
        remedy: 'Check the token or client certificate of the Kubernetes connection.',
      });
    case 403:
      return forbidden(status, attempt);
    case 404:
      return notFound(status, attempt);
    case 409:
      return conflict(status, what);
    case 422:
      // Another object of that name than the one whose uid was sent.
      if (status.causes.some(({ field }) => field === 'metadata.uid')) {
        return problem('KUBERNETES_CONFLICT', `${what}: it was deleted and created again meanwhile`);
      }
      return refused(status, what);
    case 400:
    case 413:
    case 415:
      return refused(status, what);
    default:
      // Schema errors of server-side apply come with code 500 (kube-apiserver 1.35).
      if (status.message.includes('field not declared in schema')) return problem('KUBERNETES_REFUSED', `${what}: ${schemaErrors(status)}`);
      if (status.message.includes('failed calling webhook')) return unanswered(status, what);
      return problem('KUBERNETES_UNAVAILABLE', `the API server could not ${attemptTitle(attempt)}: ${status.message} (${status.code})`);
  }
}

/** How the authorizer says which rule is missing: an apply that makes an object needs `create` beside `patch`. */
const MISSING_RULE = / cannot (\w+) resource "([^"]+)" in API group "([^"]*)"/;

function forbidden(status: ApiStatus, attempt: Attempt): Problem {
  const { namespace } = attempt;
  const scope = namespace === '' ? 'in all namespaces' : `in the namespace ${namespace}`;
  const [rule, said = '', plural = '', group = ''] = MISSING_RULE.exec(status.message) ?? [];
  if (rule !== undefined || status.kind === '' || attempt.name === undefined) {
    const verb = said || attempt.verb;
    const resource = rule === undefined ? attempt.resource : [plural, group].filter((part) => part !== '').join('.');
    return problem('KUBERNETES_FORBIDDEN', `the API server forbids "${verb}" on ${resource} ${scope}: ${status.message}`);
  }
  // Admission also answers 403: a quota that is used up, a pod security level, a namespace that is being deleted.
  const passes = status.message.includes('exceeded quota') || status.causes.some(({ reason }) => reason === 'NamespaceTerminating');
  return problem('KUBERNETES_REFUSED', `${subjectOf(attempt)}: ${status.message}`, passes ? { next: 'retry' } : {});
}

function notFound(status: ApiStatus, attempt: Attempt): Problem {
  if (isMissingNamespace(status)) {
    return problem('KUBERNETES_REFUSED', `${subjectOf(attempt)}: the namespace ${status.name} does not exist`, {
      remedy: `Create the namespace ${status.name}, or add it to a spec.`,
      next: 'retry',
    });
  }
  if (isMissingResource(status)) {
    return problem('KUBERNETES_UNKNOWN_KIND', `the API server does not serve ${attempt.resource} (${attempt.verb})`);
  }
  return problem('KUBERNETES_CONFLICT', `${subjectOf(attempt)}: ${status.message}`);
}

/** A 404 because the namespace of the object does not exist. */
export const isMissingNamespace = (status: ApiStatus): boolean => status.kind === 'namespaces' && status.name !== '';

/** A 404 because the API server does not serve the path at all: an object that does not exist is named in the Status. */
export const isMissingResource = (status: ApiStatus): boolean => status.name === '';

function conflict(status: ApiStatus, what: string): Problem {
  const fields = status.causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  if (fields.length === 0) return problem('KUBERNETES_CONFLICT', `${what}: ${status.message}`);
  const managers = new Set(fields.map(({ message }) => /conflict with "([^"]+)"/.exec(message)?.[1] ?? message));
  const names = fields.map(({ field }) => field).join(', ');
  return problem('OBJECT_NOT_OURS', `${what}: ${[...managers].join(', ')} set ${names} to another value`);
}

/** The fields of a schema error: one, or a list with a line for each. */
const schemaErrors = ({ message }: ApiStatus): string =>
  message
    .replace(/^failed to create typed patch object \([^)]*\): (errors:)?/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ');

/** The webhook is none of ours, and the API server is well. */
const unanswered = ({ message }: ApiStatus, what: string): Problem =>
  problem('KUBERNETES_REFUSED', `${what}: ${message.replace(/^Internal error occurred: /, '')}`, {
    next: 'retry',
    remedy: 'Mend the admission webhook named in the message; it is asked again.',
  });

function refused(status: ApiStatus, what: string): Problem {
  const immutable = immutableFields(status);
  if (immutable.length > 0) {
    const fields = [...new Set(immutable)];
    const text = `${fields.join(', ')} cannot be changed on a live object`;
    return problem('KUBERNETES_IMMUTABLE', `${what}: ${text}`, { fields });
  }
  const causes = status.causes.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
  return problem('KUBERNETES_REFUSED', `${what}: ${causes.length === 0 ? status.message : causes.join('; ')}`);
}

/** How the validations of kube-apiserver 1.35 say it; there is no reason of its own for it. `oldSelf`: a rule of a custom kind without a message. */
const IMMUTABLE =
  /\bimmutable\b|may not change once set|updates to .+ are forbidden|can ?not be (modified|changed|updated)|cannot change|may not be changed|may not change fields other than|self == oldSelf/;

/** How admission policies and webhooks begin, whatever their authors say after it. */
const DENIED = / denied (?:the )?request: /;

/**
 * The fields of a refusal for nothing but that they cannot be changed; none when anything else is wrong too, or when it is admission
 * that does not like them, since then the object might not be created either. Values are left out: a pod template may hold what is
 * not for every reader.
 */
function immutableFields({ code, causes, message: all }: ApiStatus): readonly string[] {
  const isImmutable =
    code === 422 && !DENIED.test(all) && causes.length > 0 && causes.every(({ message }) => IMMUTABLE.test(withoutValue(message)));
  return isImmutable ? causes.map(({ field, message }) => (field === '' || field === '<nil>' ? withoutValue(message) : field)) : [];
}

/** `Invalid value: <anything>: field is immutable` without what is in the middle. */
const withoutValue = (message: string): string =>
  message.startsWith('Invalid value: ') ? message.slice(message.lastIndexOf(': ') + 2) : message;
