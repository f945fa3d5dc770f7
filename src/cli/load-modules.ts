import type { CliIo } from './cli-io.ts';

/** The Kubernetes client alone takes half a second to load, so `--version`, `status` and `resync` do without it. */
export const loadModules: CliIo['load'] = {
  daemon: () => import('../daemon.ts'),
  once: () => import('./plan-once.ts'),
  demo: () => import('./demo.ts'),
  rights: () => import('./rights.ts'),
  doctor: async () => ({ ...(await import('./doctor.ts')), ...(await import('./doctor-git.ts')) }),
  validate: () => import('./validate.ts'),
  spec: () => import('./write-spec.ts'),
};
