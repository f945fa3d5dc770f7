import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadModules } from '../../../src/cli/load-modules.ts';
import { type CliWorld, callCli, fileError } from '../../support/call-cli.ts';

const DEPLOYMENT =
  '{"kind":"Deployment","apiVersion":"extensions/v1beta1","metadata":{"name":"web"},"spec":{"template":{"metadata":{"labels":{"a":"b"}}}}}';
const SERVICE = '{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"},"spec":{"type":"NodePort","ports":[{"port":80}]}}';

/** Runs `spec` over files in memory; what it writes goes there too. */
async function spec(argv: readonly string[], files: Readonly<Record<string, string>> = {}, more: CliWorld = {}) {
  const written: Record<string, string> = {};
  const writeFile: NonNullable<CliWorld['writeFile']> = (path, text, { fresh }) => {
    if (fresh && path in files) throw fileError('EEXIST');
    written[path] = text;
  };
  const world = { files, writeFile, load: { spec: loadModules.spec }, ...more };
  return { ...(await callCli(['spec', ...argv], world)), written };
}

describe('spec new', () => {
  const FLAGS = ['--name', 'web', '--image', 'web:1', '--port', '8080'];

  it('writes a spec from flags, which validates', async () => {
    const { code, stdout } = await spec(['new', ...FLAGS, '--host', 'web.example.com', '--namespace', 'shop', '--replicas', '3']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n {2}name: web\n {2}namespace: shop\n/);
    expect(stdout).toContain('traefik.http.routers.web.rule: Host(`web.example.com`)');
    const world = { files: { '/dev/stdin': stdout }, load: { validate: loadModules.validate } };
    expect(await callCli(['validate', '--strict', '-'], world)).toMatchObject({
      code: 0,
      stdout: '1 file with 2 objects: nothing is wrong.\n',
    });
  });

  it('writes JSON to a file that is called so, and nothing over another file', async () => {
    const { written } = await spec(['new', ...FLAGS, '--form', 'envelope', '--out', 'web.json']);
    expect(JSON.parse(written['web.json'] ?? '')).toMatchObject({ objects: { deployments: {}, services: {} } });
    const files = { 'web.json': '{}' };
    expect(await spec(['new', ...FLAGS, '-o', 'web.json'], files)).toMatchObject({
      code: 1,
      written: {},
      stderr: expect.stringContaining('web.json is not written: it is there already. Name another file, or add --force'),
    });
    expect((await spec(['new', ...FLAGS, '-o', 'web.json', '--force'], files)).written).toHaveProperty(['web.json']);
  });

  it('asks for what is missing where somebody can answer, again after an answer that is none', async () => {
    const asked: string[] = [];
    const answers = ['web', '', 'web:1', '99999', '8080', '', '', ''];
    const ask = async (question: string): Promise<string> => {
      asked.push(question);
      return answers.shift() ?? '';
    };
    const { code, stdout } = await spec(['new'], {}, { ask });
    expect(code).toBe(0);
    expect(stdout).toContain('replicas: 2');
    expect(stdout).toContain('containerPort: 8080');
    expect(stdout).not.toContain('traefik');
    expect(asked.filter((question) => question.startsWith('Image'))).toHaveLength(2);
    expect(asked.filter((question) => question.startsWith('Port'))).toHaveLength(2);
    expect(asked[0]).toMatch(/^Name/);
  });

  it('says what is wrong with an answer at once', async () => {
    const answers = ['Web', 'web', 'web:1', '8080', '`a`', '', '', ''];
    const { code, stderr } = await spec(['new'], {}, { ask: async () => answers.shift() });
    expect(code).toBe(0);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^That is no answer to it: expected .*lower case letters/),
      'That is no answer to it: expected the name of a host like web.example.com.',
      '',
    ]);
  });

  it('writes nothing when a person ends the questions, and none are asked after a flag that is wrong', async () => {
    const answers = ['web', undefined];
    expect(await spec(['new', '--out', 'web.yaml'], {}, { ask: async () => answers.shift() })).toMatchObject({
      ...{ code: 64, stdout: '', written: {} },
      stderr: expect.stringContaining('error: no answer: nothing is written; answer, or give --name, --image, --port'),
    });
    const ask = () => Promise.reject(new Error('must not be asked'));
    expect(await spec(['new', '--host', '`a`'], {}, { ask })).toMatchObject({ code: 64, stderr: expect.stringContaining('--host "`a`"') });
  });

  it('tells all wrong flags at once', async () => {
    const { code, stdout, stderr } = await spec(['new', '--name', 'Web!', '--image', 'a b', '--host', 'https://x', '--replicas', 'two']);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr.split('\n').map((line) => line.slice(0, 22))).toEqual([
      'error: --name "Web!": ',
      'error: --image "a b": ',
      'error: --host "https:/',
      'error: --replicas "two',
      'error: missing --port',
      '(add --help for the op',
      '',
    ]);
  });

  it('writes what validates, also for a name that leaves no room for an annotation', async () => {
    const { stdout } = await spec(['new', '--name', 'w'.repeat(63), '--image', 'web:1', '--port', '80', '--host', 'Web.example.com']);
    const world = { files: { '/dev/stdin': stdout }, load: { validate: loadModules.validate } };
    expect(await callCli(['validate', '--strict', '-'], world)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing is wrong'),
    });
    expect(stdout).toContain('Host(`web.example.com`)');
  });

  it.each([
    [['new', '--name', 'web'], 64, 'missing --image, --port'],
    [['new', '--name', 'web', '--image', 'i', '--port', '0'], 64, 'whole number from 1 to 65535'],
    [['new', '--name', 'Web!', '--image', 'i', '--port', '80'], 64, 'error: --name "Web!": expected at most 63 lower case letters'],
  ])('refuses %j', async (argv, code, text) => {
    expect(await spec(argv)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) });
  });
});

describe('spec convert', () => {
  it('joins a Deployment and a Service as they are', async () => {
    const files = { 'd.json': DEPLOYMENT, 's.json': SERVICE };
    const { code, written } = await spec(['convert', '-d', 'd.json', '-s', 's.json', '-o', 'spec.json'], files);
    expect(code).toBe(0);
    expect(JSON.parse(written['spec.json'] ?? '')).toEqual({
      objects: { deployments: { specification: JSON.parse(DEPLOYMENT) }, services: { specification: JSON.parse(SERVICE) } },
    });
  });

  it.each([
    [
      ['-d', 's.json', '-s', 'd.json'],
      ['s.json is a Service, not a Deployment. Swap -d and -s.', 'd.json is a Deployment, not a Service. Swap -d and -s.'],
    ],
    [['-d', 'd.json', '-s', 'i.json'], ['i.json is an Ingress, not a Service. Name a file with a Service by -s.']],
  ])('refuses files of another kind: %j', async (argv, texts) => {
    const files = {
      'd.json': DEPLOYMENT,
      's.json': SERVICE,
      'i.json': SERVICE.replace('"Service"', '"Ingress"').replace('v1', 'networking.k8s.io/v1'),
    };
    const { code, stdout, stderr } = await spec(['convert', ...argv], files);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toEqual(texts.map((text) => `error SPEC_INVALID_FIELD: ${text}`));
  });

  it('turns each format into the other', async () => {
    const envelope = `{"namespace":"shop","objects":{"services":{"specification":${SERVICE}}}}`;
    const { stdout } = await spec(['convert', 'a.json'], { 'a.json': envelope });
    expect(stdout).toContain('kind: Service\nmetadata:\n  name: web\n  namespace: shop\n');
    const back = await spec(['convert', '-'], { '/dev/stdin': stdout });
    expect(JSON.parse(back.stdout)).toHaveProperty('objects.services.specification.metadata.namespace', 'shop');
    expect((await spec(['convert', 'a.json', '--to', 'envelope', '-o', 'b.yaml'], { 'a.json': envelope })).written['b.yaml']).toMatch(
      /^objects:\n/,
    );
  });

  it.each([
    [['convert'], 64, 'name one file, or two by -d and -s'],
    [['convert', 'a.json', '-d', 'd.json'], 64, 'name one file'],
    [['convert', 'none.json'], 1, 'FILE_NOT_READ: cannot read none.json: no such file or folder'],
    [['convert', 'a.json'], 1, 'a.json:1:'],
  ])('tells what is wrong: %j', async (argv, code, text) => {
    expect(await spec(argv, { 'a.json': '{"kind":' })).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) });
  });
});

describe('spec fmt', () => {
  const ORDERED = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';
  const UNORDERED = 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n';

  it('writes what is not in order, and no other file', async () => {
    expect(await spec(['fmt', 'a.yaml', 'b.yaml'], { 'a.yaml': ORDERED, 'b.yaml': UNORDERED })).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
      written: { 'b.yaml': ORDERED },
    });
    expect((await spec(['fmt', '-'], { '/dev/stdin': UNORDERED })).stdout).toBe(ORDERED);
  });

  it('only tells it with --check', async () => {
    expect(await spec(['fmt', '--check', 'a.yaml'], { 'a.yaml': ORDERED })).toMatchObject({ code: 0, stderr: '' });
    expect(await spec(['fmt', '--check', 'b.yaml'], { 'b.yaml': UNORDERED })).toMatchObject({
      ...{ code: 1, written: {} },
      stderr: expect.stringContaining('b.yaml is not formatted'),
    });
  });

  it('takes comments along', async () => {
    expect(await spec(['fmt', 'a.yaml'], { 'a.yaml': `# why\n${UNORDERED}` })).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
      written: { 'a.yaml': `# why\n${ORDERED}` },
    });
  });

  it.each([[], ['--check']])('leaves anchors where they are, and says so: %s', async (...flags) => {
    expect(await spec(['fmt', ...flags, 'a.yaml'], { 'a.yaml': UNORDERED.replace('name: a', 'name: &a a') })).toMatchObject({
      ...{ code: 0, written: {} },
      stderr: expect.stringContaining('warning a.yaml:3:18: SPEC_NOT_FORMATTED: the file is left as it is: its anchors would be lost'),
    });
  });

  it('formats the others where one cannot be read', async () => {
    expect(await spec(['fmt', 'none.yaml', 'b.yaml'], { 'b.yaml': UNORDERED })).toMatchObject({
      ...{ code: 1, written: { 'b.yaml': ORDERED } },
      stderr: expect.stringContaining('cannot read none.yaml: no such file or folder'),
    });
  });

  it('has nothing to say of the examples, which validate', async () => {
    const folder = fileURLToPath(new URL('../../../specs-example/', import.meta.url));
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:json|ya?ml)$/.test(name));
    expect(files.length).toBeGreaterThan(5);
    const paths = files.map((name) => join(folder, name));
    const readFile = (path: string): string => readFileSync(path, 'utf8');
    expect(await spec(['fmt', '--check', ...paths], {}, { readFile })).toMatchObject({ code: 0, stderr: '' });
    expect(await callCli(['validate', folder], { load: { validate: loadModules.validate } })).toMatchObject({ code: 0 });
  });
});
