import { nodeName } from '../../core/model/ids.ts';
import type { NodeFacts } from '../../core/model/nodes.ts';
import { asList, asRecord, asText, asTextMap, asTimeMs, deepFreeze } from './json-access.ts';

/** What a pool needs to know of a Node object; heartbeats change nothing in it. */
export function decodeNode(raw: unknown): NodeFacts {
  const object = asRecord(raw);
  const [meta, spec, status] = [asRecord(object['metadata']), asRecord(object['spec']), asRecord(object['status'])];
  const ready = asList(status['conditions'])
    .map(asRecord)
    .find((condition) => condition['type'] === 'Ready');
  return deepFreeze<NodeFacts>({
    name: nodeName(asText(meta['name'])),
    ready: ready?.['status'] === 'True',
    readyChangedAtMs: asTimeMs(ready?.['lastTransitionTime']),
    createdAtMs: asTimeMs(meta['creationTimestamp']),
    unschedulable: spec['unschedulable'] === true,
    deleting: asText(meta['deletionTimestamp']) !== '',
    taints: asList(spec['taints'])
      .map(asRecord)
      .map((taint) => ({ key: asText(taint['key']), effect: asText(taint['effect']) })),
    labels: asTextMap(meta['labels']),
    annotations: asTextMap(meta['annotations']),
    addresses: asList(status['addresses'])
      .map(asRecord)
      .map((entry) => ({ type: asText(entry['type']), address: asText(entry['address']) })),
  });
}
