import { createHash, hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** RFC 8785 JSON of a plain value: the same text for the same content, whatever the order of its keys. */
export function canonicalJson(value: unknown): string {
  return isTexts(value) ? JSON.stringify(value) : (canonicalize(value) ?? 'null');
}

/** A list of texts: their JSON is canonical, and the names of things are made of such, by the ten thousand. */
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' && one.isWellFormed());

/** The SHA-256 of a text, in base64. */
export const textDigest = (text: string): string => createHash('sha256').update(text).digest('base64');

/** The first `length` hex digits of the SHA-256 of the canonical JSON of a plain value. */
export function hashOf(value: unknown, length = 16): string {
  return hash('sha256', canonicalJson(value), 'hex').slice(0, length);
}

/**
 * A version 5 UUID (RFC 9562) over the canonical JSON of `value`, in a namespace of our own. The id of a synthetic Consul
 * node comes from here, so that name and id belong to each other for ever (reference: Consul renames a node whose id comes
 * back under another name, and deletes its services).
 */
export function uuidOf(value: unknown): string {
  const digest = createHash('sha1').update('poolkeeper.dev/node\0').update(canonicalJson(value)).digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** The SHA-1 of a text in hex: only for names that other programs make so. */
export const sha1Hex = (text: string): string => createHash('sha1').update(text).digest('hex');
