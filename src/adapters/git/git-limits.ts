/** What a repository may hold before it is refused. */
export interface GitLimits {
  /** Larger files are set aside unread (SPEC_TOO_LARGE). */
  readonly maxFileBytes: number;
  /** More files than these under the root fail the read: a wrong root, most likely. */
  readonly maxFiles: number;
  /** All files under the root together; they are kept in memory. */
  readonly maxTotalBytes: number;
  /** The mirror on disk, looked at while something is fetched. */
  readonly maxMirrorBytes: number;
  /** The most that one git command may write: a tree can be made to list for ever. */
  readonly maxOutputBytes: number;
}

const MIB = 1024 * 1024;
/** The limits that are not told. */
export const DEFAULT_LIMITS: GitLimits = {
  maxFileBytes: MIB,
  maxFiles: 10_000,
  maxTotalBytes: 256 * MIB,
  maxMirrorBytes: 4096 * MIB,
  maxOutputBytes: 64 * MIB,
};
/** The endings of the names of specs. */
export const EXTENSIONS: readonly string[] = ['.json', '.yaml', '.yml'];
