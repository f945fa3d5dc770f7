import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderReferences } from '../../support/generate-references.ts';

describe('the generated references', () => {
  it.each(Object.entries(renderReferences()))('%s is what `npm run docs` would write now', (path, text) => {
    expect(readFileSync(join(import.meta.dirname, '..', '..', '..', path), 'utf8')).toBe(text);
  });
});
