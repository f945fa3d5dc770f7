import { describe } from 'vitest';
import { startSandboxConsul } from '../../src/sandbox/consul/sandbox-consul.ts';
import { registrySuite } from './registry.suite.ts';
import { registryFaultsSuite } from './registry-faults.suite.ts';
import { registryLeaseSuite } from './registry-lease.suite.ts';
import { registrySpecificationsSuite } from './registry-specifications.suite.ts';

describe('registry on the sandbox', () => registrySuite(() => startSandboxConsul()));
describe('registry on a failing sandbox', () => registryFaultsSuite(() => startSandboxConsul()));
describe('specifications on the sandbox', () => registrySpecificationsSuite(() => startSandboxConsul()));
describe('lease on the sandbox', () => registryLeaseSuite(() => startSandboxConsul()));
