import { unpackKubernetesSchema } from '../../src/adapters/schema/kubernetes-schema.ts';
import { UPGRADED_VERSIONS } from '../../src/core/spec/upgrade-object.ts';
import { PROBLEMS } from '../../src/shared/problem.ts';

const LAYERS: Readonly<Record<string, RegExp>> = {
  'Syntax and form of the file': /^SPEC_(?:SYNTAX|TOO_LARGE|NOT_A_FILE|NOT_UTF8|LFS_POINTER|BAD_NAME|EMPTY|UNKNOWN_FORMAT|NOT_FORMATTED)$/,
  'Objects and their fields':
    /^(?:SPEC_(?:UNKNOWN_FIELD|INVALID_FIELD|MISSING_FIELD|PLAIN_SECRET|OLD_API_VERSION|API_VERSION_GONE)|KUBERNETES_UNKNOWN_KIND)$/,
  'Annotations and tags': /^(?:SPEC_BAD_ANNOTATION|SPEC_TAG_CONFLICT|POOL_PORT_MISSING|TAG_.*)$/,
  'What files have to do with each other': /^(?:SPEC_|ROUTE_)/,
};

/** The reference of spec files. */
export function renderSpecReference(): string {
  const { version } = unpackKubernetesSchema();
  const told = new Set<string>();
  const sections = Object.entries(LAYERS).map(([title, pattern]) => {
    const rows = Object.entries(PROBLEMS).filter(([code]) => pattern.test(code) && !told.has(code));
    for (const [code] of rows) told.add(code);
    const lines = rows.map(([code, { severity, remedy }]) => `| \`${code}\` | ${severity} | ${remedy.replaceAll('|', '\\|')} |`);
    return `### ${title}\n\n| Code | Severity | What to do |\n|---|---|---|\n${lines.join('\n')}\n`;
  });
  const upgrades = [...Map.groupBy(UPGRADED_VERSIONS, ([from, to]) => `\`${versionOf(from)}\` | \`${to}\``)].map(
    ([versions, kinds]) => `| ${versions} | ${kinds.map(([from]) => from.slice(from.lastIndexOf('/') + 1)).join(', ')} |`,
  );
  return `# Specs

<!-- Made by \`npm run docs\` from \`src/core/spec\` and \`src/shared/problem.ts\`: change it there. -->

A spec is one file of the repository: the Kubernetes objects of one application. What it holds decides on its form, not its name:

- **Manifests**: one or several objects of Kubernetes, as YAML documents, as JSON, in a \`kind: List\` or in an array.
- **The envelope**, in JSON or YAML: \`{"id"?, "namespace"?, "objects": {"deployments": {"specification": …}, "services": {"specification": …}}}\`;
  any plural kind may stand under \`objects\`, and a \`specification\` may be an object, a List or an array.

\`null\` means absent everywhere. What an export of a live object carries (\`status\`, \`creationTimestamp\` and the like) is left out. YAML is
version 1.2, without merge keys. [annotations.md](annotations.md) tells the annotations, [traefik.md](traefik.md) the tags.

## Before it is committed

\`poolkeeper validate PATH…\` looks at files in layers and tells everything at once; nothing has to be configured and nothing is asked:
syntax, the envelope, every field by the schema of Kubernetes ${version} (unknown fields are refused, as the API server refuses them), the
commonest of what it refuses beyond that (ports without names, a selector that does not fit its template, a container without an image), our
annotations, the tags of Traefik, and what files have to do with each other. A path that cannot be read is one finding more. \`--output\`
writes for people, as JSON, as workflow commands of GitHub Actions and Gitea, or as SARIF.

\`--cluster\` goes by the schema of the cluster instead (\`/openapi/v3\`, of the API versions that the files use): fields that a newer release
has are taken, those that an older one lacks are not, and custom kinds are looked at like all others. What has changed is tried by dry runs
as well, and what both find is told once. Where the account may not read the schema, that is a warning, and the dry runs are all.

Editors complete and underline by [spec.schema.json](schema/spec.schema.json) and, for the configuration, by
[config.schema.json](schema/config.schema.json). For editors with the YAML language server, begin a file with the line

\`\`\`yaml
# yaml-language-server: $schema=node_modules/poolkeeper/docs/schema/spec.schema.json
\`\`\`

## Findings

${sections.join('\n')}
## Old API versions

These are read as what current clusters serve, with a note of what was changed. An old version that is not here, and cannot be rewritten by
machine, is an error with what to write instead.

| Written | Read as | Kinds |
|---|---|---|
${upgrades.join('\n')}
`;
}

const versionOf = (id: string): string => id.slice(0, id.lastIndexOf('/'));
