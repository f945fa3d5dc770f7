import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Cluster, type Context, KubeConfig, loadYaml, type User } from '@kubernetes/client-node';
import { asList, asRecord, asText } from './json-access.ts';

/** What several kubeconfig files say together. */
export interface KubeconfigParts {
  readonly clusters: readonly Cluster[];
  readonly users: readonly User[];
  readonly contexts: readonly Context[];
  readonly currentContext: string;
  /** The file that holds a user's token, where the user names one. */
  readonly tokenFiles: ReadonlyMap<string, string>;
}

/**
 * Reads kubeconfig files as kubectl does: of each name the first file that has it counts, and of several files those that do not
 * exist are passed over. Throws what reading throws.
 */
export function readKubeconfigs(paths: readonly string[]): KubeconfigParts {
  const existing = paths.filter((path) => existsSync(path));
  const parts = (existing.length === 0 ? paths : existing).map(readOne);
  return {
    clusters: firstOfEach(parts.flatMap(({ config }) => config.clusters)),
    users: firstOfEach(parts.flatMap(({ config }) => config.users)),
    contexts: firstOfEach(parts.flatMap(({ config }) => config.contexts)),
    currentContext: parts.map(({ config }) => config.getCurrentContext()).find((name) => Boolean(name)) ?? '',
    tokenFiles: new Map(parts.toReversed().flatMap(({ tokenFiles }) => tokenFiles)),
  };
}

function firstOfEach<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  const byName = new Map<string, T>();
  for (const one of all) if (!byName.has(one.name)) byName.set(one.name, one);
  return [...byName.values()];
}

function readOne(path: string): { readonly config: KubeConfig; readonly tokenFiles: readonly (readonly [string, string])[] } {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return { config, tokenFiles: tokenFilesIn(readFileSync(path, 'utf8'), dirname(path)) };
}

/** The package does not know `tokenFile`, and reads a file under another name once. It wins over a token, as in kubectl. */
function tokenFilesIn(kubeconfig: string, folder: string): readonly (readonly [string, string])[] {
  return asList(asRecord(loadYaml<unknown>(kubeconfig))['users']).flatMap((entry) => {
    const { name, user } = asRecord(entry);
    const { tokenFile, 'token-file': other } = asRecord(user);
    const file = asText(tokenFile) || asText(other);
    return file === '' ? [] : [[asText(name), resolve(folder, file)] as const];
  });
}

/** Changes whenever one of the files is written, replaced, made or removed. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map((path) =>
      stat(path, { bigint: true }).then(
        ({ mtimeNs, size, ino }) => `${mtimeNs} ${size} ${ino}`,
        () => 'none',
      ),
    ),
  );
  return stamps.join();
}
