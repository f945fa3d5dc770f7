import { describe, expect, it } from 'vitest';
import { PodIndex, type SeenPod } from '../../../../src/adapters/kubernetes/pod-index.ts';
import { groupKind, type ObjectKey, objectKey } from '../../../../src/core/model/ids.ts';

const key = (workload: string): ObjectKey => objectKey(groupKind('apps', 'Deployment'), 'prod', workload);
const bad = (pod: string, workload = 'web', message = ''): SeenPod => ({
  key: `prod/${pod}`,
  trouble: { pod, workload: key(workload), reason: 'ErrImagePull', message },
});
const good = (pod: string): SeenPod => ({ key: `prod/${pod}`, trouble: undefined });

function indexOf(): { readonly index: PodIndex; readonly told: ObjectKey[][] } {
  const told: ObjectKey[][] = [];
  return { told, index: new PodIndex({ changed: (workloads) => told.push([...workloads]), connected: () => undefined }) };
}
const shown = (index: PodIndex): Record<string, readonly string[]> =>
  Object.fromEntries([...index.values()].map(([workload, pods]) => [workload, pods.map(({ pod }) => pod)]));

describe('PodIndex', () => {
  it('knows the troubles by workload, sorted, and forgets them with their pods', () => {
    const { index, told } = indexOf();
    index.replace([bad('b'), good('c'), bad('a'), bad('x', 'api')]);
    expect(shown(index)).toEqual({ [key('web')]: ['a', 'b'], [key('api')]: ['x'] });
    index.put(good('a'));
    index.drop(bad('x', 'api'));
    expect(shown(index)).toEqual({ [key('web')]: ['b'] });
    expect(told).toEqual([[key('web'), key('api')], [key('web')], [key('api')]]);
  });

  it('drops what a list does not show any more', () => {
    const { index, told } = indexOf();
    index.replace([bad('a'), bad('x', 'api')]);
    index.replace([bad('a')]);
    expect(shown(index)).toEqual({ [key('web')]: ['a'] });
    expect(told.at(-1)).toEqual([key('api')]);
  });

  it('says nothing, and gives the same map, while nothing changes', () => {
    const { index, told } = indexOf();
    index.replace([bad('a')]);
    const before = index.values();
    index.put(bad('a'));
    index.put(good('other'));
    index.drop(good('other'));
    index.replace([bad('a'), good('other')]);
    expect(index.values()).toBe(before);
    expect(told).toEqual([[key('web')]]);
  });

  it('tells another message, and never changes a map that it has given out', () => {
    const { index, told } = indexOf();
    index.put(bad('a'));
    const before = index.values();
    index.put(bad('a', 'web', 'no such host'));
    expect(before.get(key('web'))?.[0]?.message).toBe('');
    expect(index.values().get(key('web'))?.[0]?.message).toBe('no such host');
    expect(told).toHaveLength(2);
  });

  it('shows five pods of a workload, and wakes nobody for a sixth', () => {
    const { index, told } = indexOf();
    index.replace(['a', 'b', 'c', 'd', 'e'].map((pod) => bad(pod)));
    index.put(bad('f'));
    expect(shown(index)).toEqual({ [key('web')]: ['a', 'b', 'c', 'd', 'e'] });
    expect(told).toHaveLength(1);
    index.drop(bad('a'));
    expect(shown(index)).toEqual({ [key('web')]: ['b', 'c', 'd', 'e', 'f'] });
  });
});
