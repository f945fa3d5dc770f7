import { hashOf } from '../model/hash.ts';
import type { SpecId } from '../model/ids.ts';
import { MANAGED_BY, MARKS } from '../model/marks.ts';
import type { KubernetesObject, LiveObject } from '../model/objects.ts';
import { keyOfObject } from '../model/objects.ts';
import { identityOf } from './ownership.ts';

/**
 * The object as it is sent: with the label and annotations that say whose it is and where it comes from. The hash covers
 * everything else that is sent, so an equal hash means that the same was sent before. `app.kubernetes.io/managed-by` is
 * written only where neither the spec nor anyone else has set it.
 */
export function markObject(object: KubernetesObject, spec: SpecId, owner: string, live: LiveObject | undefined): KubernetesObject {
  const { labels = {}, annotations = {} } = object.metadata;
  const managedBy = live?.labels[MARKS.managedBy];
  const mayClaim = labels[MARKS.managedBy] === undefined && (managedBy === undefined || managedBy === MANAGED_BY);
  const marked = {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...labels, ...(mayClaim ? { [MARKS.managedBy]: MANAGED_BY } : {}), [MARKS.ownerLabel]: owner },
      annotations: { ...annotations, [MARKS.id]: identityOf(owner, keyOfObject(object)), [MARKS.spec]: spec },
    },
  };
  const annotated = { ...marked.metadata.annotations, [MARKS.hash]: hashOf(marked) };
  return { ...marked, metadata: { ...marked.metadata, annotations: annotated } };
}
