import { randomUUID } from 'node:crypto';
import { createConsulClient } from '../adapters/consul/create-consul-client.ts';
import { type ConsulCheck, diagnoseConsul } from '../adapters/consul/diagnose-consul.ts';
import type { Config } from '../config/config.ts';
import { consulOptions } from '../connections.ts';
import { CONSUL_RIGHTS } from '../core/model/consul-right.ts';
import { kindOfObject, type Spec } from '../core/model/objects.ts';
import { consulPolicy, ruleText } from '../core/rights/consul-policy.ts';
import { type ConsulRightsInput, consulRules } from '../core/rights/consul-rules.ts';
import { buildSpecSet, newDecodeCache } from '../core/spec/build-spec-set.ts';
import { readSettings } from '../core/spec/read-settings.ts';
import type { DoctorAnswer, DoctorCheck, DoctorRequest } from './cli-io.ts';
import { specFilesAt } from './spec-files.ts';

/** Tries everything that the daemon does in Consul, and changes nothing. Throws AppError when a file cannot be read. */
export async function examineConsul(request: DoctorRequest): Promise<DoctorAnswer<readonly DoctorCheck[]>> {
  const { config, now, signal } = request;
  const rights = await rightsOf(request);
  if (rights.kind === 'failed') return rights;
  const { services, history } = rights.value;
  const { owner, cluster } = config;
  const { keyPath, nodePrefix, namespace, partition } = config.consul;
  const client = createConsulClient(consulOptions(config));
  try {
    const identity = { owner, cluster, keyPath, nodePrefix };
    const scoped = namespace !== undefined || partition !== undefined;
    const known = { ...(services === undefined ? {} : { services }), ...(history === undefined ? {} : { history }) };
    const diagnosis = { client, identity, scoped, now, id: randomUUID(), ...known };
    const checks = await diagnoseConsul(diagnosis, signal);
    return { kind: 'ok', value: checks.map((check) => withRule(check, rights.value)) };
  } finally {
    client.close();
  }
}

type PolicyRequest = Pick<DoctorRequest, 'config' | 'exact' | 'signal'>;

/** The least ACL policy for a configuration. */
export async function policyForConsul(request: PolicyRequest): Promise<DoctorAnswer<string>> {
  const rights = await rightsOf(request);
  return rights.kind === 'failed' ? rights : { kind: 'ok', value: consulPolicy(rights.value) };
}

async function rightsOf({ config, exact, signal }: PolicyRequest): Promise<DoctorAnswer<ConsulRightsInput>> {
  const { cluster, consul, registration } = config;
  const { keyPath, nodePrefix, namespace, partition } = consul;
  const input = { cluster, keyPath, nodePrefix, namespace, partition, history: registration !== 'catalog' };
  if (exact.length === 0) return { kind: 'ok', value: input };
  const services = await servicesAt(exact, config, signal);
  return services.kind === 'failed' ? services : { kind: 'ok', value: { ...input, services: services.value } };
}

async function servicesAt(paths: readonly string[], config: Config, signal: AbortSignal): Promise<DoctorAnswer<readonly string[]>> {
  const { defaultNamespace, namespaceFromFolder } = config.specs;
  const decode = { defaultNamespace, namespaceFromFolder, root: config.git.root };
  const { specs, broken } = buildSpecSet(await specFilesAt(paths, signal), decode, newDecodeCache());
  const errors = [...broken.values()].flat().filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? { kind: 'failed', problems: errors } : { kind: 'ok', value: [...specs.values()].flatMap(servicesOf) };
}

/** The names in Consul of the Services of a spec, also of those that are not registered now: they may have been before. */
function servicesOf({ objects }: Spec): readonly string[] {
  return objects
    .filter(({ object }) => kindOfObject(object) === '/Service')
    .map(({ object: { metadata } }) => readSettings(metadata.annotations ?? {}).settings.serviceName ?? metadata.name);
}

/** What failed for want of a right is mended by its rule. */
function withRule(check: ConsulCheck, input: ConsulRightsInput): DoctorCheck {
  const right = CONSUL_RIGHTS.find((name) => name === check.name);
  if (right === undefined || check.remedy !== undefined || (check.status !== 'failed' && check.status !== 'warning')) return check;
  const rules = consulRules(input).filter((rule) => rule.right === right);
  return { ...check, remedy: `Add to the policy of the token: ${rules.map(ruleText).join(' ')}` };
}
