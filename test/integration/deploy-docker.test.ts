import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { deployPath, parseDockerfile, readDeploy } from '../support/deploy-files.ts';

const run = promisify(execFile);
/** One variable for both stages. */
const BASE = ['$', '{NODE_IMAGE}'].join('');

describe('deploy/docker/Dockerfile', () => {
  const instructions = parseDockerfile(readDeploy('docker', 'Dockerfile'));
  const last = Math.max(...instructions.map(({ stage }) => stage));
  const all = (name: string, stage = last): readonly string[] =>
    instructions.filter((found) => found.name === name && found.stage === stage).map(({ text }) => text);
  const json = (name: string): unknown => JSON.parse(all(name).at(-1) ?? '');

  it('builds in one stage and keeps one folder of it in the other', () => {
    expect(instructions.filter(({ name }) => name === 'FROM').map(({ text }) => text)).toEqual([`${BASE} AS build`, BASE]);
    expect(all('ARG', 0)).toEqual(['NODE_IMAGE=node:24-bookworm-slim']);
    expect(all('RUN', 1)).toEqual(['npm ci', 'npm run build']);
    expect(all('COPY')).toEqual(['--from=build /src/dist /usr/lib/poolkeeper']);
  });

  it('runs as a user with a number, behind an init process, with what git needs', () => {
    const order = instructions.filter(({ stage }) => stage === last).map(({ name }) => name);
    expect(all('USER')).toEqual(['65532:65532']);
    expect(order.lastIndexOf('RUN')).toBeLessThan(order.indexOf('USER'));
    expect(json('ENTRYPOINT')).toEqual(['tini', '--', 'node', '/usr/lib/poolkeeper/poolkeeper.mjs']);
    expect(json('CMD')).toEqual(['run', '--config', '/etc/poolkeeper/poolkeeper.yaml']);
    const [install = ''] = all('RUN');
    for (const name of ['ca-certificates', 'git', 'gpg', 'openssh-client', 'tini']) expect(install.split(' ')).toContain(name);
    expect(install).toContain('useradd --uid 65532 --gid 65532');
    expect(install).toContain('--owner=65532 --group=65532 --mode=0700 /var/lib/poolkeeper');
    expect(all('VOLUME')).toEqual(['/var/lib/poolkeeper']);
    expect(all('ENV').join(' ')).toContain('TMPDIR=/var/lib/poolkeeper');
  });

  it('carries the labels of OCI', () => {
    const labels = [
      ...all('LABEL')
        .join(' ')
        .matchAll(/org\.opencontainers\.image\.(\w+)=/g),
    ].map(([, name]) => name);
    expect(labels).toEqual(['title', 'description', 'licenses', 'version', 'revision']);
  });

  it('sends the builder what the build reads and nothing else', async () => {
    const ignore = readDeploy('docker', 'Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => !/^(#|$)/.test(line));
    expect(ignore[0]).toBe('*');
    const sent = ignore.slice(1).map((line) => line.slice(1));
    expect(ignore.slice(1).every((line) => line.startsWith('!'))).toBe(true);
    const [first = ''] = all('COPY', 1);
    for (const file of first.split(' ').slice(0, -1)) expect(sent).toContain(file);
    const { scripts } = JSON.parse(await readFile(deployPath('..', 'package.json'), 'utf8')) as {
      readonly scripts: { readonly build: string };
    };
    for (const file of scripts.build.match(/\S+\.(ts|mjs|js|json)/g) ?? [])
      expect(sent.some((name) => file === name || file.startsWith(`${name}/`))).toBe(true);
    for (const secret of ['.git', 'deploy', 'test', 'node_modules', '.env']) expect(sent).not.toContain(secret);
  });

  it('has a health check that tells alive from stuck from gone', async () => {
    const [, command = '[]'] = /CMD (\[.*\])$/.exec(all('HEALTHCHECK')[0] ?? '') ?? [];
    const [program, ...args] = JSON.parse(command) as readonly string[];
    expect(program).toBe('node');
    let status = 200;
    const paths = new Set<string | undefined>();
    const server = createServer((request, response) => {
      paths.add(request.url);
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const check = async (): Promise<number> => {
      const env = { POOLKEEPER_HTTP_LISTEN: `0.0.0.0:${port}` };
      return run(process.execPath, args, { env }).then(
        () => 0,
        (error: { readonly code: number }) => error.code,
      );
    };
    expect(await check()).toBe(0);
    status = 503;
    expect(await check()).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    expect(await check()).toBe(1);
    expect([...paths]).toEqual(['/livez']);
  });
});
