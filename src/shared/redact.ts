const MASK = '[redacted]';

/** Replaces what must not be shown in a text by `[redacted]`. */
export type Redactor = (text: string) => string;

/**
 * A redactor for the given secret values and for the user part of any URL. A secret is masked as written, URL-encoded and
 * in base64; secrets shorter than 4 characters are left alone, since masking them would only garble the text.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(Buffer.from(secret, 'utf8').toString('base64'));
  }
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return (text) => {
    let result = text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, `$1${MASK}@`);
    for (const form of ordered) result = result.replaceAll(form, MASK);
    return result;
  };
}
