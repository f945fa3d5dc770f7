import type { SpecFile } from '../model/spec-set.ts';
import { type DecodeOptions, readObjects } from '../spec/decode-spec.ts';

/** The API versions of the objects in some files, after old ones were upgraded. */
export function apiVersionsOf(files: readonly SpecFile[], options: DecodeOptions): ReadonlySet<string> {
  const read = files.map((file) => readObjects(file, options));
  return new Set(read.flatMap((file) => (file.kind === 'read' ? file.objects.map(({ object }) => object.object.apiVersion) : [])));
}
