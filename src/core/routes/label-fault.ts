import { fillLabels } from './fill-labels.ts';
import { LabelError, labelTree } from './label-tree.ts';

/** Why Traefik 3 cannot read a tag. */
export interface LabelFault {
  /** The end of a sentence that begins with the tag. */
  readonly reason: string;
  /** Of a field that does not exist: its name, and those that do. */
  readonly unknown?: { readonly field: string; readonly known: readonly string[] };
}

const ROUTES = ['traefik.http', 'traefik.tcp', 'traefik.udp', 'traefik.tls.stores.default'];
const GATE = ['traefik.consulcatalog.', 'traefik.enable'];

/** What is wrong with one tag of Traefik 3, whatever stands beside it; undefined when nothing is, or when Traefik 3 does not read it. */
export function labelFault(key: string, value: string): LabelFault | undefined {
  const labels = new Map([[key, value]]);
  try {
    const route = labelTree(labels, ROUTES);
    if (route !== undefined) fillLabels('Configuration', route);
    const gate = labelTree(labels, GATE);
    if (gate !== undefined) fillLabels('Extra', gate);
    return undefined;
  } catch (error) {
    if (!(error instanceof LabelError)) throw error;
    const { unknown, message } = error;
    if (unknown === undefined) return { reason: `cannot be read: ${message}` };
    return { reason: `names "${unknown.field}", which does not exist there`, unknown };
  }
}
