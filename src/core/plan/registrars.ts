import type { Problem } from '../../shared/problem.ts';
import type { PoolView } from '../desired/pool-view.ts';
import type { KvWrite, Waiting } from '../model/action.ts';
import type { NodeName } from '../model/ids.ts';
import type { AgentInstance } from '../model/registration.ts';
import type { Backend } from '../pool/decide-pool.ts';
import type { Registered } from './diff-registration.ts';

/** Who is to register a pool: its agents, the catalog, or, node by node, one after the other. */
export interface Registrars {
  /** The nodes whose agents the entry under `deployments/` tells to register; undefined: the entry is left as it is, or is not. */
  readonly told: readonly NodeName[] | undefined;
  /** The backends that are to stand in the catalog. */
  readonly catalog: readonly Backend[];
  /** The tags of both, where they are not those of the spec. */
  readonly tags?: readonly string[];
  /** What agents register and the catalog takes over in the same transaction. */
  readonly swap: readonly AgentInstance[];
  /** The memory of a move from agents to the catalog. */
  readonly record?: KvWrite;
  readonly waiting: readonly Waiting[];
  readonly problems: readonly Problem[];
}

/** The backends that the catalog can hold. A node that only agents were told of, and that the cluster has no address of, is none. */
export const addressed = (backends: readonly Backend[]): readonly Backend[] => backends.filter(({ address }) => address !== '');

/** What is known of the pool when its registrars are chosen. */
export interface RegistrarInput {
  readonly view: PoolView;
  /** Every backend that the pool should have. */
  readonly backends: readonly Backend[];
  readonly registered: Registered;
}
