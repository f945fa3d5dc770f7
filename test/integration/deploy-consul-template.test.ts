import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeName } from '../../src/core/model/ids.ts';
import { AGENTS_ANNOTATION } from '../../src/core/model/told-agents.ts';
import { deploymentValue } from '../../src/core/plan/deployment-entry.ts';
import { requireServer } from '../servers/catalog.ts';
import { complete, endpoints, POLICY, service, spec, specSet, world } from '../support/builders.ts';
import { deployPath } from '../support/deploy-files.ts';
import { planWorld, settle } from '../support/model-world.ts';
import { makeTempDirectory, type TempDirectory } from '../support/processes.ts';
import { consulRequest } from '../support/site.ts';

const run = promisify(execFile);
const PATH = 'it-ctmpl';

interface Definition {
  readonly name: string;
  readonly port: number;
  readonly tags: readonly string[];
}

/** A Service as poolkeeper writes it into the tree. */
function entryOf(name: string, nodes: readonly string[]): string {
  const annotations = { tags: 'a, b', 'traefik.frontend.rule': 'Host:x.example.com', 'other.example.com/team': 'x' };
  const base = world({
    specs: complete(specSet([spec(`${name}.json`, service(name, { annotations }))])),
    endpoints: [endpoints(`default/${name}`)],
  });
  const { context } = planWorld(settle(base, { policy: { ...POLICY, registration: 'kv' } }).world);
  const [view] = [...context.views.values()];
  if (view === undefined) throw new Error('no pool');
  return deploymentValue(view, { nodes: nodes.map(nodeName) });
}

/** What the annotation of an entry has agents register. */
function toldBy(entry: string): Definition {
  const { metadata } = JSON.parse(entry) as { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } };
  const {
    service: name,
    port,
    tags,
  } = JSON.parse(metadata.annotations[AGENTS_ANNOTATION] ?? '{}') as Omit<Definition, 'name'> & {
    readonly service: string;
  };
  return { name, port, tags };
}

describe('deploy/consul-template', () => {
  const stack = inject('stack');
  let directory: TempDirectory;
  const put = (key: string, value: string): Promise<unknown> => consulRequest(stack, 'PUT', `/v1/kv/${PATH}/${key}`, value);

  beforeAll(async () => {
    directory = await makeTempDirectory('ctmpl');
  });
  afterAll(async () => {
    await consulRequest(stack, 'DELETE', `/v1/kv/${PATH}/?recurse=true`);
    await directory.remove();
  });

  async function render(template: string, node: string): Promise<string> {
    const output = join(directory.path, `${node}.out`);
    const args = [`-consul-addr=${new URL(stack.consulUrl).host}`, '-once', '-log-level=err', `-template=${template}:${output}`];
    const env = { PATH: process.env['PATH'], POOLKEEPER_CLUSTER: 'it', POOLKEEPER_KEY_PATH: PATH, KUBERNETES_NODE_NAME: node };
    await run(await requireServer('consul-template'), args, { env, timeout: 4_000, killSignal: 'SIGKILL' });
    return await readFile(output, 'utf8');
  }
  const services = async (node: string): Promise<readonly Definition[]> =>
    (JSON.parse(await render(deployPath('consul-template', 'services.ctmpl'), node)) as { services: Definition[] }).services;

  it('renders nothing from a tree that is empty, nor before poolkeeper was there', async () => {
    await expect(services('n1')).rejects.toMatchObject({ killed: true });
    await put('deployments/default/told', entryOf('told', ['n1']));
    await expect(services('n1')).rejects.toMatchObject({ killed: true });
  });

  it('registers what the annotation says on the nodes that it names, and entries of the ancestor everywhere', async () => {
    const ancestors = { tags: 'x,y ', 'traefik.enable': 'true', 'traefik.frontend.rule': 'Host:"old"', traefikx: 'no', 'tags.more': 'z' };
    const old = (name: string, type: string): string =>
      JSON.stringify(
        { metadata: { name, annotations: ancestors }, spec: { type, ports: [{ port: 80, nodePort: 30_999 }, { nodePort: 1 }] } },
        null,
        4,
      );
    await put('.poolkeeper/it/canary', 'here');
    const entry = entryOf('told', ['n1']);
    await put('deployments/default/told', entry);
    await put('deployments/default/nobody', entryOf('nobody', []));
    await put('deployments/other/old', old('old', 'NodePort'));
    await put('deployments/other/inside', old('inside', 'ClusterIP'));
    const onOld = { name: 'old', port: 30_999, tags: ['x', 'y', 'z', 'traefik.enable=true', 'traefik.frontend.rule=Host:"old"'] };
    expect(await services('n2')).toEqual([onOld]);
    const told = toldBy(entry);
    expect(await services('n1')).toEqual([told, onOld]);
    expect(told.port).toBeGreaterThan(0);
    expect(told.tags).toEqual(expect.arrayContaining(['a', 'b', 'traefik.frontend.rule=Host:x.example.com']));
    expect(told.tags.some((tag) => tag.startsWith('traefik.http.routers.'))).toBe(true);
  });

  it('leaves the contract of the ancestor: a plugin gets the tree as one argument, and finds what it needs', async () => {
    const plugin = join(directory.path, 'plugin');
    await writeFile(plugin, `#!/bin/sh\nprintf '%s' "$1"\n`);
    await chmod(plugin, 0o755);
    const template = join(directory.path, 'ancestor.ctmpl');
    await writeFile(template, `{{ tree "${PATH}/deployments" | explode | toJSON | plugin "${plugin}" }}`);
    const tree = JSON.parse(await render(template, 'n1')) as Record<string, Record<string, string>>;
    const entry = JSON.parse(tree['default']?.['told'] ?? '{}') as Parameters<typeof JSON.stringify>[0];
    expect(entry).toMatchObject({
      metadata: { name: 'told', annotations: { tags: 'a, b', 'traefik.frontend.rule': 'Host:x.example.com' } },
      spec: { type: 'NodePort', ports: [{ nodePort: expect.any(Number) }] },
    });
  });
});
