import { describe, expect, it } from 'vitest';
import {
  type Attempt,
  problemOfStatus,
  requireSuccess,
  statusOfAnswer,
  statusOfObject,
} from '../../../../src/adapters/kubernetes/api-status.ts';

const attempt: Attempt = { verb: 'patch', resource: 'deployments.apps', namespace: 'prod', name: 'web' };
const answer = (code: number, message: string, details: object = {}, reason = '') => ({
  status: code,
  body: { kind: 'Status', status: 'Failure', code, message, reason, details },
});
const about = { name: 'web', group: 'apps', kind: 'deployments' };
const RBAC =
  'deployments.apps "web" is forbidden: User "x" cannot patch resource "deployments" in API group "apps" in the namespace "prod"';

describe('problemOfStatus', () => {
  it.each([
    ['no login', answer(401, 'Unauthorized'), 'KUBERNETES_FORBIDDEN', 'fix-config'],
    ['a missing rule', answer(403, RBAC, about), 'KUBERNETES_FORBIDDEN', 'fix-config'],
    ['an admission that refuses', answer(403, 'pods "web" is forbidden: violates PodSecurity', about), 'KUBERNETES_REFUSED', 'fix-spec'],
    ['a quota that is used up', answer(403, 'exceeded quota: q', about), 'KUBERNETES_REFUSED', 'retry'],
    [
      'a namespace that goes',
      answer(403, 'is forbidden', { ...about, causes: [{ reason: 'NamespaceTerminating' }] }),
      'KUBERNETES_REFUSED',
      'retry',
    ],
    ['a path that is not served', answer(404, 'the server could not find the requested resource'), 'KUBERNETES_UNKNOWN_KIND', 'fix-spec'],
    [
      'a missing namespace',
      answer(404, 'namespaces "prod" not found', { name: 'prod', kind: 'namespaces' }),
      'KUBERNETES_REFUSED',
      'retry',
    ],
    ['an object that went', answer(404, 'deployments.apps "web" not found', about), 'KUBERNETES_CONFLICT', 'retry'],
    ['another version', answer(409, 'the object has been modified', about), 'KUBERNETES_CONFLICT', 'retry'],
    [
      'another uid',
      answer(422, 'x', { ...about, causes: [{ field: 'metadata.uid', message: 'field is immutable' }] }),
      'KUBERNETES_CONFLICT',
      'retry',
    ],
    [
      'an invalid object',
      answer(422, 'invalid', { ...about, causes: [{ field: 'spec.x', message: 'required' }] }),
      'KUBERNETES_REFUSED',
      'fix-spec',
    ],
    [
      'a field that does not exist',
      answer(500, 'failed to create typed patch object: .spec.x: field not declared in schema'),
      'KUBERNETES_REFUSED',
      'fix-spec',
    ],
    ['a body that is too large', answer(413, 'too large'), 'KUBERNETES_REFUSED', 'fix-spec'],
    ['a failing webhook', answer(500, 'Internal error occurred: failed calling webhook "a"'), 'KUBERNETES_REFUSED', 'retry'],
    ['too many requests', answer(429, 'slow down'), 'KUBERNETES_UNAVAILABLE', 'retry'],
    ['a proxy', { status: 502, body: '<html>\nBad Gateway' }, 'KUBERNETES_UNAVAILABLE', 'retry'],
  ])('%s', (_, given, code, next) => {
    expect(problemOfStatus(statusOfAnswer(given), attempt)).toMatchObject({ code, next });
  });

  it('names every field that is not declared, and no Go types', () => {
    const say = (text: string): string =>
      problemOfStatus(
        statusOfAnswer(answer(500, `failed to create typed patch object (prod/web; apps/v1, Kind=Deployment): ${text}`)),
        attempt,
      ).message;
    expect(say('.spec.a: field not declared in schema')).toBe('patch deployments.apps prod/web: .spec.a: field not declared in schema');
    const two = 'errors:\n  .spec.a: field not declared in schema\n  .spec.b: field not declared in schema';
    expect(say(two)).toBe('patch deployments.apps prod/web: .spec.a: field not declared in schema; .spec.b: field not declared in schema');
  });

  it('names the missing rule', () => {
    const { message } = problemOfStatus(statusOfAnswer(answer(403, RBAC, about)), attempt);
    expect(message).toContain('"patch" on deployments.apps in the namespace prod');
    // The request was a patch, and would have made the object.
    const made = problemOfStatus(statusOfAnswer(answer(403, RBAC.replace('cannot patch', 'cannot create'), about)), attempt);
    expect(made.message).toContain('forbids "create" on deployments.apps in the namespace prod');
    const list = problemOfStatus(statusOfAnswer(answer(403, 'no')), { verb: 'list', resource: 'nodes', namespace: '' });
    expect(list.message).toContain('"list" on nodes in all namespaces');
  });

  it('names every manager and field of a field conflict', () => {
    const causes = [
      { reason: 'FieldManagerConflict', message: 'conflict with "helm" using apps/v1', field: '.spec.replicas' },
      { reason: 'FieldManagerConflict', message: 'conflict with "helm" using apps/v1', field: '.spec.paused' },
    ];
    const found = problemOfStatus(statusOfAnswer(answer(409, 'Apply failed', { ...about, causes })), attempt);
    expect(found).toMatchObject({ code: 'OBJECT_NOT_OURS' });
    expect(found.message).toBe('patch deployments.apps prod/web: helm set .spec.replicas, .spec.paused to another value');
  });

  it('calls what is written as people do, and names the verb where the object is not to blame', () => {
    const titled: Attempt = { ...attempt, title: 'Deployment prod/web' };
    const say = (given: ReturnType<typeof answer>, of: Attempt): string => problemOfStatus(statusOfAnswer(given), of).message;
    const wrong = answer(422, 'long text', { ...about, causes: [{ field: 'spec.replicas', message: 'Invalid value: -1' }] });
    expect(say(wrong, titled)).toBe('Deployment prod/web: spec.replicas: Invalid value: -1');
    expect(say(answer(409, 'the object has been modified', about), { ...titled, verb: 'delete' })).toMatch(
      /^delete Deployment prod\/web: /,
    );
    expect(say(answer(503, 'busy'), titled)).toBe('the API server could not patch Deployment prod/web: busy (503)');
    expect(say(answer(403, RBAC, about), titled)).toContain('"patch" on deployments.apps in the namespace prod');
  });

  it('names every wrong field', () => {
    const causes = [
      { field: 'spec.selector', message: 'Invalid value: {}: field is immutable' },
      { field: 'spec.replicas', message: 'Invalid value: -1' },
    ];
    const found = problemOfStatus(statusOfAnswer(answer(422, 'long text', { ...about, causes })), attempt);
    expect(found.code).toBe('KUBERNETES_REFUSED');
    expect(found.message).toMatch(/spec\.selector: .*; spec\.replicas: /);
  });

  it('says what to do about fields that cannot be changed, without their values', () => {
    const causes = [
      { field: 'spec.selector', message: 'Invalid value: {"matchLabels":{"note":"field is: hidden"}}: field is immutable' },
      { field: 'spec.template', message: 'Invalid value: core.PodTemplateSpec{Env: "hidden"}: field is immutable' },
      { field: 'spec.template', message: 'Invalid value: core.PodTemplateSpec{Env: "hidden"}: field is immutable' },
    ];
    const found = problemOfStatus(statusOfAnswer(answer(422, 'long text', { ...about, causes })), attempt);
    expect(found).toMatchObject({ code: 'KUBERNETES_IMMUTABLE', fields: ['spec.selector', 'spec.template'], next: 'fix-spec' });
    expect(found.message).toBe('patch deployments.apps prod/web: spec.selector, spec.template cannot be changed on a live object');
    expect(found.remedy).toContain('poolkeeper.dev/recreate');
  });

  it('does not take the value of a field for what is wrong with it', () => {
    const causes = [{ field: 'spec.x', message: 'Invalid value: "field is immutable": must be a number' }];
    expect(problemOfStatus(statusOfAnswer(answer(422, 'x', { ...about, causes })), attempt).code).toBe('KUBERNETES_REFUSED');
  });
});

describe('statusOfAnswer', () => {
  it('takes the time to wait from the header, else from the Status', () => {
    const body = answer(429, 'slow', { retryAfterSeconds: 3 });
    expect(statusOfAnswer(body).retryAfterMs).toBe(3_000);
    expect(statusOfAnswer({ ...body, retryAfterMs: 1_000 }).retryAfterMs).toBe(1_000);
  });

  it('says the status where there is no message', () => {
    expect(statusOfAnswer({ status: 503, body: '' }).message).toBe('status 503');
  });

  it('reads what an ERROR event holds', () => {
    const { body } = answer(410, 'too old resource version', {}, 'Expired');
    expect(statusOfObject(body)).toMatchObject({ code: 410, reason: 'Expired', message: 'too old resource version' });
  });
});

describe('requireSuccess', () => {
  it('returns the body of a success, and throws everything else with its Status', () => {
    expect(requireSuccess({ status: 201, body: { a: 1 } }, attempt)).toEqual({ a: 1 });
    expect(() => requireSuccess(answer(409, 'changed', about), attempt)).toThrow(
      expect.objectContaining({ status: expect.objectContaining({ code: 409 }) }),
    );
  });
});
