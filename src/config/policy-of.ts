import type { Policy, RoutePolicy } from '../core/model/policy.ts';
import type { TranslationPolicy } from '../core/model/translation-policy.ts';
import { withoutAbsent } from '../shared/without-absent.ts';
import type { Config } from './config.ts';

/** The part of the configuration that the core decides by. */
export function policyOf(config: Config): Policy {
  const { pool, guard } = config;
  return {
    owner: config.owner,
    cluster: config.cluster,
    keyPath: config.consul.keyPath,
    nodePrefix: config.consul.nodePrefix,
    sharedService: config.consul.sharedService,
    registration: config.registration,
    registrationExplicit: config.registrationExplicit,
    dialect: config.traefik.dialect,
    entryPoints: config.traefik.entryPoints,
    translation: translationOf(config),
    routes: routesOf(config),
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
      openMs: pool.openMs,
      drainingTaints: pool.drainingTaints,
      drainOnCordon: config.drain.onCordon,
      minBackends: pool.minBackends,
      health: pool.health,
      ...(pool.maxBackends === undefined ? {} : { maxBackends: pool.maxBackends }),
    },
    drainSeconds: config.drain.seconds,
    letGoMs: config.traefik.letGoMs,
    ...(config.traefik.refresh === undefined ? {} : { refresh: config.traefik.refresh }),
    maxWaitMs: config.drain.maxWaitMs,
    guard: {
      windowMs: guard.windowMs,
      ...(guard.maxRemovedPools === undefined ? {} : { maxRemovedPools: guard.maxRemovedPools }),
      ...(guard.maxRemovedObjects === undefined ? {} : { maxRemovedObjects: guard.maxRemovedObjects }),
    },
  };
}

/** What is configured of Traefik's static configuration. */
function routesOf({ traefik: { catalog, known } }: Config): RoutePolicy {
  const { entryPoints, ...names } = known;
  return withoutAbsent({ ...withoutAbsent(catalog), entryPoints, known: withoutAbsent(names) });
}

/** What the translation of Traefik 1 tags has to know. */
export function translationOf({ traefik }: Config): TranslationPolicy {
  const { strict, domain, frontEndRule, drrStrategy, forwardedDepth } = traefik;
  return {
    strict,
    ...(domain === undefined ? {} : { domain }),
    ...(frontEndRule === undefined ? {} : { frontEndRule }),
    ...(drrStrategy === undefined ? {} : { drrStrategy }),
    ...(forwardedDepth === undefined ? {} : { forwardedDepth }),
  };
}
