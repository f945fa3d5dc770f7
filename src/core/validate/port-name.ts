import type { Finding } from '../spec/finding.ts';
import type { Path } from '../spec/places.ts';

/** True for the name of a container's port: at most 15 lower case letters, digits and `-`, one letter at least (RFC 6335). */
const isPortName = (name: string): boolean =>
  name.length <= 15 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name) && !name.includes('--') && /[a-z]/.test(name);

/** What is wrong with a text that names a port. */
export function portNameFinding(name: string, path: Path): readonly Finding[] {
  if (isPortName(name)) return [];
  const message = 'the name of a port has at most 15 lower case letters, digits and single "-", one letter at least';
  const isNumber = /^\d+$/.test(name);
  return [{ code: 'SPEC_INVALID_FIELD', path, message, ...(isNumber ? { remedy: 'Write the number without quotes.' } : {}) }];
}
