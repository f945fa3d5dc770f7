import { afterAll, beforeAll, describe } from 'vitest';
import { clusterApplySuite } from './cluster-apply.suite.ts';
import { clusterDrainSuite } from './cluster-drain.suite.ts';
import { clusterLeaseSuite } from './cluster-lease.suite.ts';
import { clusterPrepareSuite } from './cluster-prepare.suite.ts';
import type { ApiServer } from './cluster-rig.ts';
import { clusterStatusSuite } from './cluster-status.suite.ts';
import { clusterWakeSuite } from './cluster-wake.suite.ts';
import { clusterWatchSuite } from './cluster-watch.suite.ts';

/** What every API server must do for the Kubernetes leg, and the leg with it. `start` starts one, once for the suite. */
export function clusterContract(name: string, start: () => Promise<ApiServer>): void {
  describe(`the Kubernetes leg on ${name}`, () => {
    let server: ApiServer | undefined;
    const running = (): ApiServer => {
      if (server === undefined) throw new Error('the API server has not started');
      return server;
    };
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server?.stop());

    clusterApplySuite(running);
    clusterWakeSuite(running);
    clusterWatchSuite(running);
    clusterPrepareSuite(running);
    clusterStatusSuite(running);
    clusterLeaseSuite(running);
    clusterDrainSuite(running);
  });
}
