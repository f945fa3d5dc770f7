import { specId } from '../../../../src/core/model/ids.ts';
import type { KubernetesObject } from '../../../../src/core/model/objects.ts';
import type { SpecFile } from '../../../../src/core/model/spec-set.ts';
import type { DecodedSpec, DecodeOptions } from '../../../../src/core/spec/decode-spec.ts';
import { decodeSpec } from '../../../../src/core/spec/decode-spec.ts';

export const OPTIONS: DecodeOptions = { defaultNamespace: 'default', namespaceFromFolder: false, root: '' };

/** A spec file of this path with this content. */
export const specFile = (path: string, content: string | Uint8Array, blobId = 'blob'): SpecFile => ({
  id: specId(path),
  blobId,
  content: { kind: 'bytes', bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content },
});

export const decode = (path: string, content: string | Uint8Array, options: Partial<DecodeOptions> = {}): DecodedSpec =>
  decodeSpec(specFile(path, content), { ...OPTIONS, ...options });

/** The objects of a file that must decode. */
export function objectsOf(decoded: DecodedSpec): readonly KubernetesObject[] {
  if (decoded.kind === 'broken') throw new Error(JSON.stringify(decoded.problems, null, 1));
  return decoded.spec.objects.map(({ object }) => object);
}

/** `line:column code path` of every problem or note. */
export function summary(decoded: DecodedSpec): readonly string[] {
  const problems = decoded.kind === 'broken' ? decoded.problems : decoded.notes;
  return problems.map(({ code, where }) => `${where?.line}:${where?.column} ${code} ${where?.path}`.trimEnd());
}

/** The messages and remedies of every problem or note. */
export function words(decoded: DecodedSpec): string {
  const problems = decoded.kind === 'broken' ? decoded.problems : decoded.notes;
  return problems.map(({ message, remedy }) => `${message}. ${remedy}`).join('\n');
}
