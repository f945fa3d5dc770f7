import type { JsonObject, JsonValue } from '../model/objects.ts';
import type { Finding } from './finding.ts';
import { asObject, changeAt, valueAt, without } from './json.ts';
import { upgradeIngress } from './upgrade-ingress.ts';

/** An object in an API version that current clusters serve, and what was said about the way there. */
export interface UpgradedObject {
  readonly object: JsonObject;
  readonly findings: readonly Finding[];
}

/** The object rewritten, with what was changed besides its apiVersion; or the reason why it cannot be done by machine. */
type Rewrite = (object: JsonObject) => { readonly object: JsonObject; readonly changes: readonly string[] } | string;

interface Upgrade {
  readonly to: string;
  readonly rewrite: Rewrite;
}

const sameFields: Rewrite = (object) => ({ object, changes: [] });

/** Fields that the old workload versions had and apps/v1 does not. */
const GONE_WORKLOAD_FIELDS: ReadonlySet<string> = new Set(['rollbackTo', 'templateGeneration']);

/** What a workload gets that leaves `updateStrategy` out, where apps/v1 has another default than the old version had. */
const NEW_DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['extensions/v1beta1/DaemonSet', 'spec.updateStrategy.type now defaults to RollingUpdate instead of OnDelete'],
  ['apps/v1beta1/StatefulSet', 'spec.updateStrategy.type now defaults to RollingUpdate instead of OnDelete'],
]);

const upgradeWorkload: Rewrite = (object) => {
  const changes: string[] = [];
  const spec = asObject(object['spec']);
  if (spec === undefined) return { object, changes };
  const gone = Object.keys(spec).filter((key) => GONE_WORKLOAD_FIELDS.has(key));
  changes.push(...gone.map((key) => `spec.${key} left out`));
  let upgraded = without(spec, GONE_WORKLOAD_FIELDS);
  if (spec['selector'] === undefined) {
    const labels = asObject(valueAt(spec, ['template', 'metadata', 'labels']));
    if (labels === undefined || Object.keys(labels).length === 0) {
      return 'spec.selector is missing and cannot be filled, because spec.template.metadata.labels is missing too';
    }
    upgraded = { ...upgraded, selector: { matchLabels: labels } };
    changes.push('spec.selector filled from the labels of the pod template');
  }
  const strategy = NEW_DEFAULTS.get(`${String(object['apiVersion'])}/${String(object['kind'])}`);
  if (strategy !== undefined && spec['updateStrategy'] === undefined) changes.push(strategy);
  return { object: { ...object, spec: upgraded }, changes };
};

const upgradeDisruptionBudget: Rewrite = (object) => {
  const selector = asObject(valueAt(object, ['spec', 'selector']));
  const selects = (key: string): boolean => Object.keys(asObject(selector?.[key]) ?? {}).length > 0;
  const expressions = selector?.['matchExpressions'];
  const empty = selector !== undefined && !selects('matchLabels') && !(Array.isArray(expressions) && expressions.length > 0);
  return empty ? 'an empty spec.selector selects no pod in policy/v1beta1 and every pod in policy/v1' : { object, changes: [] };
};

const WORKLOAD: Upgrade = { to: 'apps/v1', rewrite: upgradeWorkload };
const INGRESS: Upgrade = { to: 'networking.k8s.io/v1', rewrite: upgradeIngress };
const same = (to: string): Upgrade => ({ to, rewrite: sameFields });

/** Old version and kind → what becomes of it (Kubernetes' deprecated API migration guide). */
const UPGRADES: ReadonlyMap<string, Upgrade> = new Map([
  ...['extensions/v1beta1', 'apps/v1beta1', 'apps/v1beta2'].flatMap((version) =>
    ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet'].map((kind) => [`${version}/${kind}`, WORKLOAD] as const),
  ),
  ['extensions/v1beta1/Ingress', INGRESS],
  ['networking.k8s.io/v1beta1/Ingress', INGRESS],
  ['networking.k8s.io/v1beta1/IngressClass', same('networking.k8s.io/v1')],
  ['extensions/v1beta1/NetworkPolicy', same('networking.k8s.io/v1')],
  ['policy/v1beta1/PodDisruptionBudget', { to: 'policy/v1', rewrite: upgradeDisruptionBudget }],
  ['batch/v1beta1/CronJob', same('batch/v1')],
  ['batch/v2alpha1/CronJob', same('batch/v1')],
  ['autoscaling/v2beta2/HorizontalPodAutoscaler', same('autoscaling/v2')],
  ['scheduling.k8s.io/v1beta1/PriorityClass', same('scheduling.k8s.io/v1')],
  ['storage.k8s.io/v1beta1/StorageClass', same('storage.k8s.io/v1')],
  ['storage.k8s.io/v1beta1/CSIDriver', same('storage.k8s.io/v1')],
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map(
    (kind) => [`rbac.authorization.k8s.io/v1beta1/${kind}`, same('rbac.authorization.k8s.io/v1')] as const,
  ),
]);

/** What cannot be rewritten by machine, by version and kind or by version alone, with what to write instead. */
const GONE: ReadonlyMap<string, string> = new Map([
  [
    'autoscaling/v2beta1',
    'Write it in autoscaling/v2: the target of a metric stands under `target` there, such as resource.target.averageUtilization.',
  ],
  ['policy/v1beta1/PodSecurityPolicy', 'Label the namespace for Pod Security Admission instead.'],
  ['extensions/v1beta1/PodSecurityPolicy', 'Label the namespace for Pod Security Admission instead.'],
  ['apiextensions.k8s.io/v1beta1', 'Write it in apiextensions.k8s.io/v1, with a schema for each version.'],
  [
    'admissionregistration.k8s.io/v1beta1/ValidatingWebhookConfiguration',
    'Write it in admissionregistration.k8s.io/v1, which asks for more fields.',
  ],
  [
    'admissionregistration.k8s.io/v1beta1/MutatingWebhookConfiguration',
    'Write it in admissionregistration.k8s.io/v1, which asks for more fields.',
  ],
  ['discovery.k8s.io/v1beta1', 'Write it in discovery.k8s.io/v1, where the topology of an endpoint is split up.'],
  ['extensions/v1beta1', 'Look the kind up with `kubectl api-resources` and write the apiVersion shown there.'],
  ['apps/v1beta1', 'Write it in apps/v1.'],
  ['apps/v1beta2', 'Write it in apps/v1.'],
]);

/** Every API version and kind that is upgraded, and the version that it becomes: for the reference. */
export const UPGRADED_VERSIONS: readonly (readonly [from: string, to: string])[] = [...UPGRADES].map(([from, { to }]) => [from, to]);

/** Brings an object of an API version that current clusters no longer serve into one they do, where that is mechanical. */
export function upgradeObject(object: JsonObject): UpgradedObject {
  const version = String(object['apiVersion']);
  const title = `${version} ${String(object['kind'])}`;
  const key = `${version}/${String(object['kind'])}`;
  const upgrade = UPGRADES.get(key);
  if (upgrade === undefined) {
    const remedy = GONE.get(key) ?? GONE.get(version);
    if (remedy === undefined) return { object, findings: [] };
    return { object, findings: [gone(`${title} is no longer served, and cannot be rewritten by machine`, remedy)] };
  }
  const rewritten = upgrade.rewrite(object);
  if (typeof rewritten === 'string') {
    return { object, findings: [gone(`${title} is no longer served: ${rewritten}`, `Write it in ${upgrade.to}.`)] };
  }
  const changes = rewritten.changes.map((change) => `; ${change}`).join('');
  const message = `${title} is read as ${upgrade.to}${changes}`;
  return {
    object: changeAt(rewritten.object, ['apiVersion'], (): JsonValue => upgrade.to),
    findings: [{ code: 'SPEC_OLD_API_VERSION', path: ['apiVersion'], message }],
  };
}

const gone = (message: string, remedy: string): Finding => ({ code: 'SPEC_API_VERSION_GONE', path: ['apiVersion'], message, remedy });
