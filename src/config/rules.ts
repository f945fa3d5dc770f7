import { isLoopback } from '../shared/loopback.ts';
import type { Problem } from '../shared/problem.ts';
import { problem } from '../shared/problem.ts';
import type { Config } from './config.ts';
import { GIT_RULES } from './git-rules.ts';
import { NOTIFY_RULES } from './notify-rules.ts';
import type { Rule } from './rule.ts';

const RULES: readonly Rule[] = [
  {
    reads: ['http.listen', 'http.tokenFile'],
    check: ({ http }) =>
      http.tokenFile !== undefined || isLoopback(http.listen.host)
        ? undefined
        : broken(`http.listen: others can reach ${http.listen.host}, and there is no token`, 'Set http.tokenFile, or listen on 127.0.0.1.'),
  },
  ...GIT_RULES,
  ...NOTIFY_RULES,
  {
    reads: ['kubernetes.inCluster', 'kubernetes.kubeconfig', 'kubernetes.context'],
    check: ({ kubernetes: { inCluster, kubeconfig, context } }) =>
      inCluster && (kubeconfig ?? context) !== undefined
        ? broken('kubernetes.inCluster: excludes kubernetes.kubeconfig and kubernetes.context', 'Remove one of the two.')
        : undefined,
  },
  {
    reads: ['consul.certFile', 'consul.keyFile'],
    check: ({ consul: { certFile, keyFile } }) =>
      (certFile === undefined) === (keyFile === undefined)
        ? undefined
        : broken(
            `consul.${certFile === undefined ? 'keyFile' : 'certFile'}: a client certificate needs its key, and the other way round`,
            'Set consul.certFile and consul.keyFile, or neither.',
          ),
  },
  {
    reads: ['traefik.api', 'traefik.dialect'],
    check: ({ traefik: { api, dialect } }) =>
      api !== undefined && dialect === 'v1'
        ? broken('traefik.api: only the API of Traefik 3 can be watched', 'Remove traefik.api, or set traefik.dialect to both or v3.')
        : undefined,
  },
  {
    reads: ['traefik.probe.url', 'traefik.probe.caFile', 'traefik.probe.insecureSkipVerify'],
    check: ({ traefik: { probe } }) =>
      (probe.caFile !== undefined || probe.insecureSkipVerify) && probe.url?.startsWith('https:') !== true
        ? broken(
            'traefik.probe: caFile and insecureSkipVerify are for https only',
            'Remove them, or set traefik.probe.url to an https URL.',
          )
        : undefined,
  },
  {
    reads: ['tracing.endpoint', 'tracing.caFile'],
    check: ({ tracing: { endpoint, caFile } }) =>
      caFile !== undefined && endpoint?.startsWith('http:') === true
        ? broken('tracing.caFile: is for an https endpoint only', 'Remove it, or set tracing.endpoint to an https URL.')
        : undefined,
  },
  {
    reads: ['resync.schedule', 'resync.timezone'],
    check: ({ resync: { schedule, timezone } }) =>
      timezone !== undefined && schedule === undefined
        ? broken('resync.timezone: there is no resync.schedule that it could apply to', 'Set resync.schedule, or remove resync.timezone.')
        : undefined,
  },
];

const broken = (message: string, remedy: string): Problem => problem('CONFIG_INVALID', message, { remedy });

/** What is wrong between options. `isValid` tells whether an option, by its dotted key, is valid on its own. */
export function checkRules(config: Config, isValid: (key: string) => boolean): readonly Problem[] {
  return RULES.filter(({ reads }) => reads.every(isValid))
    .map(({ check }) => check(config))
    .filter((found) => found !== undefined);
}
