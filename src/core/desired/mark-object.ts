import { hashOf } from '../model/hash.ts';
import type { SpecId } from '../model/ids.ts';
import { MANAGED_BY, MARKS } from '../model/marks.ts';
import type { FieldsV1, KubernetesObject, LiveObject } from '../model/objects.ts';
import { keyOfObject } from '../model/objects.ts';
import { identityOf } from './ownership.ts';

/**
 * The object as it is sent: with the label and annotations that say whose it is and where it comes from. The hash covers
 * everything else that is sent, so an equal hash means that the same was sent before. `app.kubernetes.io/managed-by` is
 * written only where neither the spec nor anyone else has set it.
 */
export function markObject(object: KubernetesObject, spec: SpecId, owner: string, live: LiveObject | undefined): KubernetesObject {
  const { labels = {}, annotations = {} } = object.metadata;
  const mayClaim = labels[MARKS.managedBy] === undefined && (live === undefined || !isManagedByOthers(live));
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

/** A label that we hold alone is not another's, whatever it says: it goes with this apply when the spec does not have it. */
function isManagedByOthers(live: LiveObject): boolean {
  const value = live.labels[MARKS.managedBy];
  if (value === undefined || value === MANAGED_BY) return false;
  return !holdsManagedBy(live.ourFields) || live.managers.some(({ fields }) => holdsManagedBy(fields));
}

const holdsManagedBy = (fields: FieldsV1 | undefined): boolean =>
  fields?.['f:metadata']?.['f:labels']?.[`f:${MARKS.managedBy}`] !== undefined;
