import type { Problem } from '../../shared/problem.ts';
import { canonicalJson } from '../model/hash.ts';
import type { SpecId } from '../model/ids.ts';
import { byBytes } from '../model/ids.ts';
import type { Spec } from '../model/objects.ts';
import type { Mentions, SpecFile, SpecFiles, SpecSet } from '../model/spec-set.ts';
import type { DecodedSpec, DecodeOptions } from './decode-spec.ts';
import { decodeSpec } from './decode-spec.ts';

/** Results of earlier commits by path and blob id, for one set of options. Only saves work. */
export interface DecodeCache {
  options: string;
  entries: ReadonlyMap<string, DecodedSpec>;
}

/** An empty cache; keep one for the life of the daemon. */
export const newDecodeCache = (): DecodeCache => ({ options: '', entries: new Map() });

/**
 * Decodes every file of a commit. A file whose path and blob id are unchanged keeps its result, the very same value, so that
 * what was built from it can be kept too. Afterwards `cache` holds the results of this commit and no others.
 */
export function buildSpecSet(files: SpecFiles, options: DecodeOptions, cache: DecodeCache): SpecSet {
  const optionsKey = canonicalJson(options);
  const known = cache.options === optionsKey ? cache.entries : new Map<string, DecodedSpec>();
  const entries = new Map<string, DecodedSpec>();
  const specs = new Map<SpecId, Spec>();
  const broken = new Map<SpecId, readonly Problem[]>();
  const brokenTexts = new Map<SpecId, Mentions>();
  const notes: Problem[] = [];
  for (const file of [...files.files].sort((a, b) => byBytes(a.id, b.id))) {
    const key = cacheKey(file);
    const decoded = (file.content.kind === 'bytes' ? known.get(key) : undefined) ?? decodeSpec(file, options);
    // Why a file was refused may change while its blob does not (a limit, a link's target).
    if (file.content.kind === 'bytes') entries.set(key, decoded);
    if (decoded.kind === 'broken') {
      broken.set(file.id, decoded.problems);
      if (decoded.text !== undefined) brokenTexts.set(file.id, decoded.text);
    } else {
      specs.set(file.id, decoded.spec);
      notes.push(...decoded.notes);
    }
  }
  cache.options = optionsKey;
  cache.entries = entries;
  const { revision, source, commits, head, recent, judgedAlone } = files;
  const more = {
    ...(head === undefined ? {} : { head }),
    ...(recent === undefined ? {} : { recent }),
    ...(judgedAlone === undefined ? {} : { judgedAlone }),
  };
  return { revision, source, specs, broken, brokenTexts, notes, commits, ...more };
}

const cacheKey = ({ id, blobId }: SpecFile): string => JSON.stringify([id, blobId]);
