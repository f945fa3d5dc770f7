import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { RunReport, SpecReport, SpecState } from '../../src/core/report/run-report.ts';
import { PROBLEMS, type Problem, type ProblemCode } from '../../src/shared/problem.ts';
import { appManifest } from '../support/app-manifest.ts';
import type { FileContent } from '../support/git-repository.ts';
import { kubeRequest } from '../support/kube-client.ts';
import { instancesOf, kvEntries, prepareSite, type Site } from '../support/site.ts';
import type { StackConnection } from '../support/stack.ts';

const NAME = 'bad-input';
const TARGET = 'target.yaml';
const GOOD_PORT = 30_050;

/** A file that is wrong, and how that must be told. */
interface Fault {
  readonly content: FileContent;
  readonly code: ProblemCode;
  readonly state: SpecState;
  /** What message and remedy must name. */
  readonly says: RegExp;
  /** Line of the file; 0 when the problem has none, because only the API server knows it. */
  readonly line: number;
}

const good = appManifest('target-bad-input');
const [service = '', deployment = ''] = good.split('---\n');

const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
for (let i = 1; i < 10; i++) {
  const [before, name] = ['abcdefghij'[i - 1], 'abcdefghij'[i]];
  bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`);
}

const faults: Readonly<Record<string, Fault>> = {
  'JSON that ends too soon': { content: '{ "objects": { "services": ', code: 'SPEC_SYNTAX', state: 'broken', says: /./, line: 1 },
  'YAML with a wrong indent': {
    content: good.replace('  name: target-bad-input\n', '   name: target-bad-input\n'),
    code: 'SPEC_SYNTAX',
    state: 'broken',
    says: /./,
    line: 5,
  },
  'a YAML bomb': { content: `${bomb.join('\n')}\n`, code: 'SPEC_TOO_LARGE', state: 'broken', says: /./, line: 5 },
  'a field that does not exist': {
    content: `${service}---\n${deployment.replace('replicas:', 'replica:')}`,
    code: 'SPEC_UNKNOWN_FIELD',
    state: 'broken',
    says: /"replica".*"replicas"/,
    line: 15,
  },
  'a field deep inside that only the API server knows not to exist': {
    content: good.replace('{ name: web, image', '{ name: web, imagePullPolice: Always, image'),
    code: 'KUBERNETES_REFUSED',
    state: 'failed',
    says: /Deployment bad-input\/target-bad-input.*imagePullPolice/,
    line: 0,
  },
  'a NodePort that is taken': {
    content: good.replace('targetPort: 8080', `targetPort: 8080, nodePort: ${GOOD_PORT}`),
    code: 'KUBERNETES_REFUSED',
    state: 'failed',
    says: /Service bad-input\/target-bad-input.*allocated/,
    line: 0,
  },
  'a kind that does not exist': {
    content: `${good}---\napiVersion: example.com/v1\nkind: Widget\nmetadata: { name: w }\n`,
    code: 'KUBERNETES_UNKNOWN_KIND',
    state: 'failed',
    says: /Widget/,
    line: 0,
  },
  'no name': {
    content: good.replace('  name: target-bad-input\n', ''),
    code: 'SPEC_MISSING_FIELD',
    state: 'broken',
    says: /name/,
    line: 4,
  },
  'two megabytes': {
    content: `${good}# ${'x'.repeat(2_000_000)}\n`,
    code: 'SPEC_TOO_LARGE',
    state: 'broken',
    says: /2000\d+ bytes.*Split/,
    line: 1,
  },
  'a symbolic link': {
    content: { mode: '120000', content: 'other.yaml' },
    code: 'SPEC_NOT_A_FILE',
    state: 'broken',
    says: /symbolic link/,
    line: 1,
  },
  'bytes that are no UTF-8': {
    content: Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]),
    code: 'SPEC_NOT_UTF8',
    state: 'broken',
    says: /./,
    line: 1,
  },
  'nothing at all': { content: '', code: 'SPEC_EMPTY', state: 'broken', says: /./, line: 1 },
};

const stack = inject('stack') as StackConnection;

describe.skipIf(inject('stack') === undefined)('a spec file that is wrong', () => {
  let site: Site;
  let others = 1;

  beforeAll(async () => {
    const files = {
      [TARGET]: good,
      'good.yaml': appManifest('good-bad-input', { nodePort: GOOD_PORT }),
      'other.yaml': appManifest('other-bad-input', { replicas: others }),
    };
    site = await prepareSite({ stack, name: NAME, files });
    await site.daemon.start();
    await site.daemon.waitFor('rest', (report) => report.specs.length === 3 && isInStep(report));
  });

  afterAll(async () => {
    await site?.remove();
  });

  it.each(Object.entries(faults))('%s: one clear error, what works goes on, the others too', async (_, fault) => {
    const before = await running(site);
    others++;
    const { report, spec } = await commitTarget(fault.content, (one) => one.state === fault.state);

    const errors = spec.problems.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ code }) => code)).toEqual([fault.code]);
    expectClear(errors[0], fault);
    expect(await running(site)).toEqual(before);
    expect(stateOf(report, 'good.yaml')).toBe('in-step');
    expect(await replicasOf('other-bad-input')).toBe(others);
    expect(await site.daemon.metrics()).toContain(`poolkeeper_specs{state="${fault.state}"} 1\n`);
    await expectOneLine(report, fault);

    await commitTarget(good, (one) => one.state === 'in-step');
    expect(await running(site)).toEqual(before);
  });

  it('two specs with one Service: the newcomer is set aside, both are told', async () => {
    const before = await running(site);
    const revision = await site.git.commit({ 'newcomer.yaml': service }, 'the same Service once more');
    await site.daemon.resync();
    const report = await site.daemon.waitFor('both', (one) => one.revision === revision && stateOf(one, 'newcomer.yaml') === 'conflict');
    expect(stateOf(report, TARGET)).toBe('in-step');
    const problems = (id: string): readonly Problem[] => report.specs.find((spec) => spec.id === id)?.problems ?? [];
    expect(problems('newcomer.yaml')).toEqual([
      expect.objectContaining({ code: 'SPEC_OBJECT_CONFLICT', severity: 'error', message: expect.stringContaining(TARGET) }),
    ]);
    expect(problems(TARGET)).toEqual([
      expect.objectContaining({ code: 'SPEC_OBJECT_CONFLICT', severity: 'warning', message: expect.stringContaining('newcomer.yaml') }),
    ]);
    expect(await site.daemon.metrics()).toMatch(/poolkeeper_conflicts\{kind="object"\} [1-9]/);
    expect(await running(site)).toEqual(before);

    await site.git.commit({}, 'not any more', { remove: ['newcomer.yaml'] });
    await site.daemon.resync();
    await site.daemon.waitFor('rest', (one) => one.specs.length === 3 && isInStep(one));
    expect(await running(site)).toEqual(before);
  });

  it('a Service that is not of type NodePort makes no pool, and that is no error', async () => {
    const revision = await site.git.commit({ 'plain.yaml': appManifest('plain-bad-input', { type: 'ClusterIP' }) }, 'an inner Service');
    await site.daemon.resync();
    const report = await site.daemon.waitFor('rest', (one) => one.revision === revision && one.specs.length === 4 && isInStep(one));
    expect(report.specs.flatMap(({ problems }) => problems)).toEqual([]);
    expect(report.pools.map(({ service: name }) => name).sort()).toEqual(['good-bad-input', 'other-bad-input', 'target-bad-input']);
    expect(await instancesOf(stack, 'plain-bad-input')).toEqual([]);
    expect((await kvEntries(stack, `${NAME}/deployments/`)).map(({ key }) => key)).not.toContain(
      `${NAME}/deployments/${NAME}/plain-bad-input`,
    );
  });

  async function commitTarget(
    content: FileContent,
    done: (spec: SpecReport) => boolean,
  ): Promise<{ readonly report: RunReport; readonly spec: SpecReport }> {
    const files = { [TARGET]: content, 'other.yaml': appManifest('other-bad-input', { replicas: others }) };
    const revision = await site.git.commit(files, 'a change');
    await site.daemon.resync();
    const told = (report: RunReport): SpecReport | undefined => report.specs.find((spec) => spec.id === TARGET && done(spec));
    const report = await site.daemon.waitFor(
      'the target as wanted, and the others in step',
      (one) =>
        one.revision === revision && told(one) !== undefined && one.specs.every((spec) => spec.id === TARGET || spec.state === 'in-step'),
    );
    const spec = told(report);
    if (spec === undefined) throw new Error('unreachable');
    return { report, spec };
  }

  /** The problem stands in the log once, however often the daemon has looked at it since. */
  async function expectOneLine({ revision }: RunReport, fault: Fault): Promise<void> {
    await site.daemon.resync();
    const lines = await site.daemon.logs();
    const start = lines.findIndex((line) => line['event'] === 'run' && line['revision'] === revision);
    expect(start).toBeGreaterThan(0);
    const since = lines.slice(lines.findLastIndex((line, i) => i < start && line['event'] === 'run') + 1);
    const told = since.filter((line) => line['event'] === 'problem' && line['spec'] === TARGET && line['ended'] !== true);
    expect(told).toEqual([expect.objectContaining({ level: 'error', code: fault.code, remedy: expect.stringMatching(/\w{3,}/) })]);
  }
});

function expectClear(found: Problem | undefined, fault: Fault): void {
  expect(`${found?.message} ${found?.remedy}`).toMatch(fault.says);
  expect(found?.remedy).toMatch(/\w{3,}/);
  expect(found?.next).toBe(PROBLEMS[fault.code].next);
  if (fault.line === 0) return;
  expect(found?.where).toMatchObject({ file: TARGET, line: fault.line });
}

const isInStep = (report: RunReport): boolean => report.specs.every(({ state }) => state === 'in-step');
const stateOf = (report: RunReport, id: string): string | undefined => report.specs.find((spec) => spec.id === id)?.state;

async function replicasOf(name: string): Promise<number> {
  const path = `/apis/apps/v1/namespaces/${NAME}/deployments/${name}`;
  return ((await kubeRequest(stack, 'GET', path)) as { readonly spec: { readonly replicas: number } }).spec.replicas;
}

/** What runs of the target and of the spec that is never touched, in both stores, with versions that tell any write. */
async function running({ stack: servers }: Site): Promise<unknown> {
  const apps = ['target-bad-input', 'good-bad-input'];
  const objects = apps.flatMap((name) => [
    `/api/v1/namespaces/${NAME}/services/${name}`,
    `/apis/apps/v1/namespaces/${NAME}/deployments/${name}`,
  ]);
  return {
    objects: await Promise.all(
      objects.map(async (path) => {
        const { metadata, spec } = (await kubeRequest(servers, 'GET', path)) as LiveObject;
        return [metadata.name, metadata.uid, metadata.generation, spec];
      }),
    ),
    instances: await Promise.all(
      apps.map(async (name) =>
        (await instancesOf(servers, name)).map(({ Node, ServicePort, ModifyIndex }) => `${Node}:${ServicePort} ${ModifyIndex}`),
      ),
    ),
  };
}

interface LiveObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation?: number };
  readonly spec: unknown;
}
