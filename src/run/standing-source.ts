import type { Policy } from '../core/model/policy.ts';
import type { Registry, SpecSource } from '../core/model/ports.ts';
import { mapSnapshot, snapshotValue } from '../core/model/snapshot.ts';
import { readMemory } from './read-memory.ts';

/**
 * A source that passes for the repository and branch in force: a plan for a pull request tells what would be done once it is merged. As
 * another source all its removals would be held.
 */
export const standingSource = (source: SpecSource, registry: Pick<Registry, 'state'>, policy: Policy): SpecSource => ({
  async read(since, signal) {
    const read = await source.read(since, signal);
    const { memory } = readMemory(snapshotValue(registry.state()), policy);
    return mapSnapshot(read, (files) => ({ ...files, source: memory.source === '' ? files.source : memory.source }));
  },
});
