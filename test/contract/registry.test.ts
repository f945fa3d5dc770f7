import { describe } from 'vitest';
import { startSandboxConsul } from '../../src/sandbox/consul/sandbox-consul.ts';
import { registrySuite } from './registry.suite.ts';
import { registryFaultsSuite } from './registry-faults.suite.ts';
import { registryHealthSuite } from './registry-health.suite.ts';
import { registryLeaseSuite } from './registry-lease.suite.ts';
import { registryPoolsSuite } from './registry-pools.suite.ts';
import { registrySpecificationsSuite } from './registry-specifications.suite.ts';

describe('registry on the sandbox', () => registrySuite(() => startSandboxConsul()));
describe('registry on a failing sandbox', () => registryFaultsSuite(() => startSandboxConsul()));
describe('pools on the sandbox', () =>
  registryPoolsSuite({ consul: () => startSandboxConsul(), small: () => startSandboxConsul({ maxOperations: 40 }) }));
describe('health on the sandbox', () => registryHealthSuite(() => startSandboxConsul()));
describe('specifications on the sandbox', () => registrySpecificationsSuite(() => startSandboxConsul()));
describe('lease on the sandbox', () => registryLeaseSuite(() => startSandboxConsul()));
