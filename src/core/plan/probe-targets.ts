import type { NodeName } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { ProbeTarget } from '../model/ports.ts';
import type { PlanContext } from './context.ts';

/** Ready backends that are tried beside those in doubt: when not even they answer, it is the way from here that is broken. */
const CONTROLS = 3;
/** NodePorts tried on one node; one that answers is enough. */
const PORTS = 3;

/**
 * Which nodes to try by TCP connections, with the NodePorts that are registered on them: nothing, except while most nodes of a
 * pool are NotReady at once (design section 6). In the order of the names.
 */
export function probeTargets({ decisions, registry }: PlanContext): readonly ProbeTarget[] {
  const nodes = new Set<NodeName>();
  for (const { doubted, backends } of decisions.values()) {
    if (doubted.length === 0) continue;
    const controls = backends.filter(({ node }) => !doubted.includes(node)).slice(0, CONTROLS);
    for (const node of [...doubted, ...controls.map((backend) => backend.node)]) nodes.add(node);
  }
  if (nodes.size === 0) return [];
  const ports = new Map<NodeName, Map<number, string>>();
  for (const { node, address, port } of [...(registry?.instances.values() ?? [])].flat()) {
    if (nodes.has(node)) ports.set(node, (ports.get(node) ?? new Map<number, string>()).set(port, address));
  }
  return [...ports]
    .sort(([a], [b]) => byBytes(a, b))
    .map(([node, found]) => {
      const lowest = [...found].sort(([a], [b]) => a - b).slice(0, PORTS);
      return { node, endpoints: lowest.map(([port, address]) => ({ address, port })) };
    });
}
