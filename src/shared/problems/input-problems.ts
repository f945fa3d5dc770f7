import { type CatalogueEntry, entry } from './catalogue-entry.ts';

/** What can be wrong with what people write: configuration, repository and specs. */
export const INPUT_PROBLEMS = {
  // Configuration
  CONFIG_INVALID: entry('fix-config', 'error', 'Correct the option named in the message; `poolkeeper run --help` lists every option.'),
  CONFIG_UNKNOWN_KEY: entry('fix-config', 'error', 'Remove the key or correct its spelling.'),
  CONFIG_UNREADABLE: entry('fix-config', 'error', 'Check that the file exists and that the daemon may read it.'),

  FILE_NOT_READ: entry('retry', 'error', 'Check the path, and that you may read what is there.'),
  FILE_NOT_WRITTEN: entry('retry', 'error', 'Name another file, or add --force to write over it; its folder must exist.'),
  SNAPSHOT_UNREADABLE: entry('fix-config', 'error', 'Write the snapshot anew with `poolkeeper plan --record FILE` of this version.'),

  // Git
  GIT_UNREACHABLE: entry(
    'retry',
    'error',
    'Check the repository URL, the network and the Git server; the last good commit stays in force.',
  ),
  GIT_AUTH_FAILED: entry('fix-config', 'error', 'Check the user name and the password or token file of the repository.'),
  GIT_HOST_KEY_UNKNOWN: entry(
    'fix-config',
    'error',
    'Compare the fingerprint with the one that the Git server publishes; then append the output of `ssh-keyscan -p PORT HOST` to the file of `git.knownHostsFile`.',
  ),
  GIT_HOST_KEY_CHANGED: entry(
    'fix-config',
    'error',
    'Somebody may stand between the daemon and the Git server. Ask its operator whether the key was changed, compare the fingerprint, and only then replace the line in the file of `git.knownHostsFile`.',
  ),
  GIT_REF_MISSING: entry('fix-config', 'error', 'Create the branch again or correct `git.ref`; the last good commit stays in force.'),
  GIT_ROOT_MISSING: entry('fix-config', 'error', 'Create the folder in the repository or correct `git.root`.'),
  GIT_URL_REFUSED: entry('fix-config', 'error', 'Use an https, ssh, git or file URL, or an absolute path.'),
  GIT_HISTORY_REWRITTEN: entry('retry', 'warning', 'The branch was force-pushed; the new head is in force. Removals are still guarded.'),
  GIT_NOT_FAST_FORWARD: entry(
    'fix-config',
    'error',
    'Push a commit that descends from the one in force, or set `git.fastForwardOnly` to false to take the new history; the commit in force stays.',
  ),
  GIT_COMMIT_UNVERIFIED: entry(
    'fix-config',
    'error',
    'Push a commit signed by a key of `git.allowedSignersFile` or `git.openpgpKeysFile`, or add the key there; the last verified commit stays in force.',
  ),
  GIT_READ_FAILED: entry('retry', 'error', 'Look at the message from git; the last good commit stays in force.'),

  // Specs
  SPEC_SYNTAX: entry('fix-spec', 'error', 'Correct the JSON or YAML at this place.'),
  SPEC_TOO_LARGE: entry('fix-spec', 'error', 'Split the file; a spec file may hold at most 1 MiB.'),
  SPEC_NOT_A_FILE: entry('fix-spec', 'error', 'Commit a plain file; symbolic links and submodules are not followed.'),
  SPEC_LFS_POINTER: entry(
    'fix-spec',
    'error',
    'Commit the file itself: take it out of .gitattributes (`git lfs untrack`), then `git add --renormalize` it.',
  ),
  SPEC_BAD_NAME: entry('fix-spec', 'error', 'Rename the file: letters, digits, blanks and punctuation, each name once.'),
  SPEC_NOT_UTF8: entry('fix-spec', 'error', 'Save the file as UTF-8.'),
  SPEC_EMPTY: entry('fix-spec', 'error', 'Add at least one Kubernetes object, or delete the file.'),
  SPEC_UNKNOWN_FORMAT: entry('fix-spec', 'error', 'Write Kubernetes objects, or the envelope {"objects": {…}}.'),
  SPEC_UNKNOWN_FIELD: entry('fix-spec', 'error', 'Remove the field or correct its spelling.'),
  SPEC_INVALID_FIELD: entry('fix-spec', 'error', 'Correct the value as the message says.'),
  SPEC_MISSING_FIELD: entry('fix-spec', 'error', 'Add the field.'),
  SPEC_OLD_API_VERSION: entry('fix-spec', 'note', 'Nothing has to be done; write the new apiVersion when you next edit the file.'),
  SPEC_API_VERSION_GONE: entry('fix-spec', 'error', 'Write the object in an API version that current clusters serve.'),
  SPEC_PLAIN_SECRET: entry(
    'fix-spec',
    'warning',
    'Leave the values out of Git: have a controller make the Secret (External Secrets, Sealed Secrets), or create it by hand.',
  ),
  SPEC_NOT_FORMATTED: entry('fix-spec', 'warning', 'Run `poolkeeper spec fmt` on the file.'),
  SPEC_DUPLICATE_OBJECT: entry('fix-spec', 'error', 'Keep the object in one place only.'),
  SPEC_OBJECT_CONFLICT: entry('fix-spec', 'error', 'Remove the object from one of the specs, or rename it.'),
  SPEC_NAME_CONFLICT: entry(
    'fix-spec',
    'error',
    'Give one of the Services another Consul name by the annotation poolkeeper.dev/service-name.',
  ),
  SPEC_TAG_CONFLICT: entry('fix-spec', 'error', 'Write the tag in one place only, or with the same value.'),
  SPEC_BAD_ANNOTATION: entry('fix-spec', 'error', 'Correct the annotation as the message says.'),
  SPEC_DEPENDENCY_MISSING: entry(
    'fix-spec',
    'error',
    'Correct the path in poolkeeper.dev/depends-on; it counts from the top of the repository.',
  ),
  SPEC_DEPENDENCY_CYCLE: entry('fix-spec', 'error', 'Take one of these files out of poolkeeper.dev/depends-on.'),
  SPEC_NAMESPACE_UNKNOWN: entry(
    'fix-spec',
    'warning',
    'Commit a Namespace object, set `kubernetes.createNamespaces`, or correct the name.',
  ),
  SPEC_SELECTS_NOTHING: entry(
    'fix-spec',
    'warning',
    'Give the pod template the labels that the selector asks for, or correct the selector.',
  ),
  SPEC_TARGET_PORT_MISSING: entry('fix-spec', 'error', 'Write the port in `ports` of the container, or correct the targetPort.'),
  TAG_REQUIRED: entry(
    'fix-spec',
    'warning',
    'Add the tag that the configuration of Traefik asks for: it silently passes over a Consul service without it.',
  ),
  TAG_NOT_TRANSLATED: entry(
    'fix-spec',
    'error',
    'Write the Traefik 3 tags of this Service by hand in the annotation poolkeeper.dev/tags, or set `traefik.dialect` to v1 while Traefik 1 alone reads them.',
  ),
  TAG_APPROXIMATED: entry(
    'fix-spec',
    'warning',
    'Check that this is what you want, or write the Traefik 3 tags of this Service by hand in the annotation poolkeeper.dev/tags.',
  ),
  TAG_REWRITTEN: entry('fix-spec', 'note', 'Nothing has to be done.'),
  TAG_UNKNOWN: entry('fix-spec', 'warning', 'Correct the tag or remove it.'),
  TAG_INVALID: entry('fix-spec', 'error', 'Correct the Traefik tag as the message says.'),
  POOL_PORT_MISSING: entry('fix-spec', 'error', 'Give poolkeeper.dev/port the name or number of one of the ports of the Service.'),
} as const satisfies Record<string, CatalogueEntry>;
