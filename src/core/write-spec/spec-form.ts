/** The two formats of a spec (docs/specs.md). */
export const SPEC_FORMS = ['envelope', 'manifests'] as const;
export type SpecForm = (typeof SPEC_FORMS)[number];
