import type { SpecId } from '../../src/core/model/ids.ts';
import { specId } from '../../src/core/model/ids.ts';
import type { KubernetesObject } from '../../src/core/model/objects.ts';
import { deployment, service } from './builders.ts';

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
}

/** Where an application stands unless it was moved. */
export const fileOf = (name: string): SpecId => specId(`${name}.json`);

/** The Deployment and the Service of an application. */
export function objectsOf(app: AppSpec): readonly KubernetesObject[] {
  const { name, tag, nodePort, replicas, register, local, serviceName } = app;
  const annotations = {
    tags: tag,
    ...(register ? {} : { 'poolkeeper.dev/register': 'false' }),
    ...(serviceName === undefined ? {} : { 'poolkeeper.dev/service-name': serviceName }),
  };
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080, ...(nodePort === undefined ? {} : { nodePort }) }];
  return [
    deployment(name, { replicas }),
    service(name, { annotations, spec: { ports, externalTrafficPolicy: local ? 'Local' : 'Cluster' } }),
  ];
}
