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
  });

  it.each([
    [['new', '--name', 'web'], 64, 'missing --image, --port'],
    [['new', '--name', 'web', '--image', 'i', '--port', '0'], 64, 'whole number from 1 to 65535'],
    [['new', '--name', 'Web!', '--image', 'i', '--port', '80'], 1, 'SPEC_INVALID_FIELD: the name "Web!" is none'],
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
    [['convert', 'none.json'], 78, 'the spec none.json cannot be read (ENOENT)'],
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

  it('leaves comments where they are, and says so', async () => {
    expect(await spec(['fmt', 'a.yaml'], { 'a.yaml': `# why\n${UNORDERED}` })).toMatchObject({
      ...{ code: 0, written: {} },
      stderr: expect.stringContaining('warning a.yaml:1:1: SPEC_NOT_FORMATTED: the file is left as it is: its comments would be lost'),
    });
  });
});
