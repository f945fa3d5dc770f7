import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callCli } from '../../support/call-cli.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'specs-example');
const spec = (annotations: string, name = 'web'): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n  annotations:\n${annotations}\nspec:\n  type: NodePort\n  ports: [{ port: 80 }]\n`;

const routes = (files: Readonly<Record<string, string>>, argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  callCli(['routes', ...argv], { files, env });

describe('routes --translate', () => {
  it('shows a table of what became what, and the tags, without any configuration', async () => {
    const text = readFileSync(join(EXAMPLES, 'echoserver.json'), 'utf8');
    const { code, stdout, stderr } = await routes({ 'echoserver.json': text }, ['--translate', 'echoserver.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Service default\/echoserver, Consul service echoserver\n\nTRAEFIK 1 +CLASS +TRAEFIK 3\n/);
    expect(stdout).toMatch(
      /^traefik\.backend\.weight=10 +exact +traefik\.http\.services\.echoserver-default-ff413f\.loadbalancer\.server\.weight=10$/m,
    );
    expect(stdout).toMatch(/^ {2}traefik\.http\.routers\.echoserver-default-ff413f-tls\.tls=true$/m);
  });

  it('reads standard input, and writes JSON', async () => {
    const { code, stdout } = await routes({ '/dev/stdin': spec('    traefik.frontend.rule: Path:/a') }, [
      '--translate',
      '-',
      '--output',
      'json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      services: [
        {
          namespace: 'default',
          name: 'web',
          service: 'web',
          steps: [
            {
              tag: 'traefik.frontend.rule=Path:/a',
              class: 'approximate',
              becomes: expect.arrayContaining([expect.stringContaining('.rule=Path(`/a`)')]),
            },
          ],
          problems: [{ code: 'TAG_APPROXIMATED', severity: 'warning' }],
        },
      ],
    });
  });

  it.each([
    [['--traefik-strict'], {}],
    [[], { POOLKEEPER_TRAEFIK_STRICT: 'true' }],
  ])('fails over an approximation when it is strict (%j %j)', async (argv, env) => {
    const { code, stdout } = await routes(
      { 'a.yaml': spec('    traefik.frontend.rule: Path:/a') },
      ['--translate', 'a.yaml', ...argv],
      env as Record<string, string>,
    );
    expect(code).toBe(1);
    expect(stdout).toContain('error TAG_APPROXIMATED: Service default/web: the tag traefik.frontend.rule is translated, but');
  });

  it('shows Services translated for Traefik 3 whatever the dialect, and knows those of the file', async () => {
    const errors =
      '    traefik.frontend.rule: Host:a\n    traefik.frontend.errors.x.status: "500"\n    traefik.frontend.errors.x.backend: pages';
    const pages = spec('    traefik.frontend.rule: Host:b\n    poolkeeper.dev/service-name: pages', 'other');
    const { code, stdout } = await routes({ 'a.yaml': `${spec(errors)}---\n${pages}` }, ['--translate', 'a.yaml'], {
      POOLKEEPER_TRAEFIK_DIALECT: 'v1',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/errors\.service=other-default-[0-9a-f]{6}$/m);
    expect(stdout).not.toContain('TAG_');
  });

  it('says what is wrong with the file or its tags', async () => {
    expect(await routes({}, ['--translate', 'none.yaml'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/FILE_NOT_READ: cannot read none\.yaml: (?!.*daemon)/),
    });
    expect(await routes({ 'a.yaml': '{' }, ['--translate', 'a.yaml'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a.yaml:1:'),
    });
    expect(await routes({ 'a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n' }, ['--translate', 'a.yaml'])).toMatchObject(
      {
        code: 0,
        stdout: 'There is no Service in it.\n',
      },
    );
    const drr = await routes({ 'a.yaml': spec('    traefik.frontend.rule: Host:a\n    traefik.backend.loadbalancer: drr') }, [
      '--translate',
      'a.yaml',
    ]);
    expect(drr).toMatchObject({ code: 1, stdout: expect.stringContaining('traefik.drrStrategy') });
    expect(await routes({}, [])).toMatchObject({ code: 64 });
  });

  const translated = (annotations: readonly string[]) =>
    routes({ 'a.yaml': spec(annotations.map((line) => `    ${line}`).join('\n')) }, ['--translate', 'a.yaml']);

  it('shows the tag that is left out among the others, and that none is written then', async () => {
    const { code, stdout } = await translated(['traefik.frontend.rule: Host:a', "traefik.frontend.auth.basic.users: 'a\"b'"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^traefik\.frontend\.auth\.basic\.users=a"b +impossible +–$/m);
    expect(stdout).toContain('Tags that would be in Consul; none is written while there are errors:\n');
    expect(stdout).not.toContain('No Traefik 1 tags');
  });

  it('fails over a Traefik 3 tag that Traefik cannot read', async () => {
    const { code, stdout } = await translated(['traefik.http.routers.a.prioritty: "1"']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /TAG_INVALID: Service default\/web: the tag traefik\.http\.routers\.a\.prioritty names "prioritty".*Did you mean "priority"\?/,
    );
    expect(stdout).toContain('No Traefik 1 tags to translate.\n');
  });

  it.each([
    ['traefik.http.routers.a.rule: Host(`a`)', 'the Service has Traefik 3 routers of its own'],
    ['traefik.enable: "false"', 'traefik.enable switches the Service off'],
  ])('says why it translates nothing beside %s', async (annotation, why) => {
    const { code, stdout } = await translated([annotation, 'traefik.frontend.rule: Host:a']);
    expect({ code, why: stdout.split('\n')[2] }).toEqual({ code: 0, why: `Nothing is translated: ${why}.` });
    expect(stdout).toContain('\nTags in Consul:\n');
  });
});
