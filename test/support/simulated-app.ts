import type { SpecId } from '../../src/core/model/ids.ts';
import { revision, specId } from '../../src/core/model/ids.ts';
import type { KubernetesObject, Spec } from '../../src/core/model/objects.ts';
import type { HealthMode } from '../../src/core/model/settings.ts';
import type { SpecSet } from '../../src/core/model/spec-set.ts';
import { deployment, service, spec, specSet } from './builders.ts';

/** What one file says of its application. */
export interface AppSpec {
  readonly name: string;
  readonly tag: string;
  readonly nodePort?: number | undefined;
  readonly replicas: number;
  readonly register: boolean;
  readonly local: boolean;
  /** The Consul name, when it is not the Service's. */
  readonly serviceName?: string | undefined;
  readonly health?: HealthMode;
}

/** What the files of a repository say; one may be unreadable. */
export type Files = Map<SpecId, AppSpec | 'broken'>;

/** Where an application stands unless it was moved. */
export const fileOf = (name: string): SpecId => specId(`${name}.json`);

/** The Deployment and the Service of an application. */
function objectsOf(app: AppSpec): readonly KubernetesObject[] {
  const { name, tag, nodePort, replicas, register, local, serviceName, health } = app;
  const annotations = {
    tags: tag,
    ...(register ? {} : { 'poolkeeper.dev/register': 'false' }),
    ...(serviceName === undefined ? {} : { 'poolkeeper.dev/service-name': serviceName }),
    ...(health === undefined ? {} : { 'poolkeeper.dev/health': health }),
  };
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, ...(nodePort === undefined ? {} : { nodePort }) }];
  return [
    deployment(name, { replicas }),
    service(name, { annotations, spec: { ports, externalTrafficPolicy: local ? 'Local' : 'Cluster' } }),
  ];
}

/** The files of a repository. As its reader does, what a commit has not changed stays the very same. */
export class SimulatedRepository {
  readonly files: Files = new Map();
  #set = specSet([]);
  #revision = 0;
  readonly #read = new Map<SpecId, { readonly app: AppSpec; readonly spec: Spec }>();

  /** The specs at the head. */
  head(): SpecSet {
    return this.#set;
  }

  commit(edit: (files: Files) => void): void {
    edit(this.files);
    this.#revision++;
    const broken = [...this.files].filter(([, app]) => app === 'broken').map(([id]) => [id, []] as const);
    const specs = [...this.files].flatMap(([id, app]) => (app === 'broken' ? [] : [this.#decode(id, app)]));
    const good = broken.flatMap(([id]) => this.#set.specs.get(id) ?? this.#set.lastGood?.get(id) ?? []);
    const lastGood = new Map(good.map((one) => [one.id, one]));
    this.#set = { ...specSet(specs, { broken: Object.fromEntries(broken) }), lastGood, revision: revision(`r${this.#revision}`) };
  }

  #decode(id: SpecId, app: AppSpec): Spec {
    const known = this.#read.get(id);
    if (known?.app === app) return known.spec;
    const decoded = spec(id, ...objectsOf(app));
    this.#read.set(id, { app, spec: decoded });
    return decoded;
  }
}
