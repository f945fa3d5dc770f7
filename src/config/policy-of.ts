import type { Policy } from '../core/model/policy.ts';
import type { Config } from './config.ts';

/** The part of the configuration that the core decides by. */
export function policyOf(config: Config): Policy {
  const { pool, guard } = config;
  return {
    owner: config.owner,
    cluster: config.cluster,
    keyPath: config.consul.keyPath,
    nodePrefix: config.consul.nodePrefix,
    registration: config.registration,
    registrationExplicit: config.registrationExplicit,
    dialect: config.traefik.dialect,
    entryPoints: config.traefik.entryPoints,
    adoptFrom: config.kubernetes.adoptFrom,
    allowAdopt: config.kubernetes.allowAdopt,
    dryRun: config.kubernetes.dryRun,
    createNamespaces: config.kubernetes.createNamespaces,
    pool: {
      addressTypes: pool.addressTypes,
      addressFamily: pool.addressFamily,
      nodes: pool.nodes,
      controlPlane: pool.controlPlane,
      graceMs: pool.graceMs,
      drainingTaints: pool.drainingTaints,
      drainOnCordon: config.drain.onCordon,
      minBackends: pool.minBackends,
      ...(pool.maxBackends === undefined ? {} : { maxBackends: pool.maxBackends }),
    },
    drainSeconds: config.drain.seconds,
    letGoMs: config.traefik.letGoMs,
    guard: {
      windowMs: guard.windowMs,
      ...(guard.maxRemovedPools === undefined ? {} : { maxRemovedPools: guard.maxRemovedPools }),
      ...(guard.maxRemovedObjects === undefined ? {} : { maxRemovedObjects: guard.maxRemovedObjects }),
    },
  };
}
