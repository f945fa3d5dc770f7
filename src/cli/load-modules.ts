import type { CliIo } from './cli-io.ts';

/** The Kubernetes client alone takes half a second to load, so `--version`, `status` and `resync` do without it. */
export const loadModules: CliIo['load'] = {
  daemon: () => import('../daemon.ts'),
  once: () => import('../once.ts'),
  demo: () => import('./demo.ts'),
  rights: () => import('./rights.ts'),
  doctor: () => import('./doctor.ts'),
};
