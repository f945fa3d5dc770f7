import type { NodeName } from '../core/model/ids.ts';
import type { PoolReport } from '../core/report/run-report.ts';
import type { CellLetter } from './overview.ts';

/** Tells where nodes stand in one pool, from what is wanted and who has registered what. Pure. */
export function cellLetters({
  decisions,
  registeredOn,
  passingOn,
  agents,
}: Pick<PoolReport, 'decisions' | 'registeredOn' | 'passingOn' | 'agents'>): (node: NodeName) => CellLetter {
  const wanted = new Map(decisions.map((decision) => [decision.node, decision.in]));
  const [registered, passing, byAgents] = [new Set(registeredOn), new Set(passingOn), new Set(agents?.nodes)];
  const awaited = agents?.moving === false ? 't' : 'w';
  return (node) => {
    const isWanted = wanted.get(node);
    if (registered.has(node)) return isWanted === false ? 'l' : passing.has(node) ? 'p' : 'c';
    if (byAgents.has(node)) return isWanted === false ? 'l' : 'a';
    return isWanted === undefined ? '-' : isWanted ? awaited : 'o';
  };
}
