import { groupKindOf } from '../model/ids.ts';
import type { JsonObject } from '../model/objects.ts';
import type { Finding } from '../spec/finding.ts';
import { valueAt } from '../spec/json.ts';
import { isDnsSubdomain } from '../spec/names.ts';
import type { Path } from '../spec/places.ts';
import { itemsAt } from '../spec/pod-specs.ts';
import { cronFault } from './cron-fault.ts';

const RULES = new Map<string, (object: JsonObject) => readonly Finding[]>([
  [groupKindOf('batch/v1', 'CronJob'), schedule],
  [groupKindOf('networking.k8s.io/v1', 'Ingress'), ingressRules],
  [groupKindOf('policy/v1', 'PodDisruptionBudget'), disruptions],
]);

/** What every API server refuses of CronJobs, Ingresses and PodDisruptionBudgets although their schema allows it. */
export const kindFindings = (object: JsonObject): readonly Finding[] =>
  RULES.get(groupKindOf(String(object['apiVersion']), String(object['kind'])))?.(object) ?? [];

function schedule(object: JsonObject): readonly Finding[] {
  const path = ['spec', 'schedule'];
  const found = valueAt(object, path);
  const fault = typeof found === 'string' ? cronFault(found) : undefined;
  if (fault === undefined) return [];
  const remedy = 'Write five fields: minute, hour, day of the month, month, day of the week, such as "0 3 * * 1-5"; or @hourly, @daily.';
  return [{ code: 'SPEC_INVALID_FIELD', path, message: `that is no schedule: ${fault}`, remedy }];
}

function ingressRules(object: JsonObject): readonly Finding[] {
  return itemsAt(object, ['spec', 'rules']).flatMap(({ item, path }): readonly Finding[] => {
    const paths = itemsAt(item, ['http', 'paths']).flatMap(({ item: { path: text, pathType }, path: inner }): readonly Finding[] => {
      const isOptional = pathType !== 'Exact' && pathType !== 'Prefix';
      if (typeof text !== 'string' || text.startsWith('/') || (text === '' && isOptional)) return [];
      const at = [...path, ...inner, 'path'];
      return [{ code: 'SPEC_INVALID_FIELD', path: at, message: 'a path must begin with "/"', remedy: `Write "/${text}".` }];
    });
    return [...hostFindings(item['host'], [...path, 'host']), ...paths];
  });
}

function hostFindings(host: unknown, path: Path): readonly Finding[] {
  if (typeof host !== 'string' || host === '') return [];
  const isAddress = /^[\d.]+$/.test(host);
  if (!isAddress && isDnsSubdomain(host.replace(/^\*\./, ''))) return [];
  const remedy = 'Write the name alone, in lower case, without scheme, port and path, such as "shop.example.com" or "*.example.com".';
  return [{ code: 'SPEC_INVALID_FIELD', path, message: `${JSON.stringify(host.slice(0, 80))} is no host name`, remedy }];
}

function disruptions(object: JsonObject): readonly Finding[] {
  const [least, most] = ['minAvailable', 'maxUnavailable'].map((field) => valueAt(object, ['spec', field]));
  if (least === undefined || least === null || most === undefined || most === null) return [];
  const message = 'minAvailable and maxUnavailable exclude each other';
  return [{ code: 'SPEC_INVALID_FIELD', path: ['spec', 'maxUnavailable'], message, remedy: 'Keep one of them.' }];
}
