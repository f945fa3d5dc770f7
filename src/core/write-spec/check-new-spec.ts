import { isDnsLabel } from '../spec/names.ts';

/** What a new spec is made of, in the order in which it is asked for. */
export const NEW_SPEC_PARTS = ['name', 'image', 'port', 'host', 'namespace', 'replicas'] as const;
export type NewSpecPart = (typeof NEW_SPEC_PARTS)[number];

/** The parts that no spec can do without. */
export const NEEDED_PARTS: ReadonlySet<NewSpecPart> = new Set(['name', 'image', 'port']);

/** What is expected of a part, where an answer is none; undefined where it is one. */
export function faultOf(part: NewSpecPart, answer: string): string | undefined {
  const { isRight, expects } = RULES[part];
  return isRight(answer) ? undefined : `expected ${expects(answer)}`;
}

interface Rule {
  readonly isRight: (answer: string) => boolean;
  /** What is right, in words, with what this answer suggests. */
  readonly expects: (answer: string) => string;
}

const LABEL = 'at most 63 lower case letters, digits and "-"';

const RULES: Readonly<Record<NewSpecPart, Rule>> = {
  // A Service is called by DNS-1035, which begins with a letter; a Deployment may be called so, too.
  name: { isRight: (text) => isDnsLabel(text) && /^[a-z]/.test(text), expects: () => `${LABEL}, a letter first and no "-" last` },
  namespace: { isRight: isDnsLabel, expects: () => `${LABEL}, the first and the last no "-"` },
  image: { isRight: isImage, expects: expectsImage },
  port: wholeNumber(1, 65_535),
  replicas: wholeNumber(0, 10_000),
  host: { isRight: isHost, expects: expectsHost },
};

function wholeNumber(least: number, most: number): Rule {
  return {
    isRight: (text) => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most,
    expects: () => `a whole number from ${least} to ${most}`,
  };
}

// The grammar of github.com/distribution/reference.
const HOST_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = String.raw`(?:${HOST_PART}(?:\.${HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const PATH_PART = '[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*';
const TAG = String.raw`:\w[\w.-]{0,127}`;
const DIGEST = '@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,128}';
const IMAGE = new RegExp(`^(?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*(?:${TAG})?(?:${DIGEST})?$`);

function isImage(text: string): boolean {
  return text.length <= 512 && IMAGE.test(text);
}

function expectsImage(text: string): string {
  const like = 'an image like registry.example.com/web:1.2';
  if (/^[a-z]+:\/\//i.test(text)) return `${like}, without ${text.slice(0, text.indexOf('//') + 2)}`;
  return isImage(text.toLowerCase()) ? `${like}, its path in lower case` : like;
}

/** A name as Traefik's Host matches it: DNS labels. Traefik lowers the letters. */
function isHost(text: string): boolean {
  return text.length <= 253 && text.split('.').every((part) => isDnsLabel(part.toLowerCase()));
}

function expectsHost(text: string): string {
  const like = 'the name of a host like web.example.com';
  if (text.startsWith('*.')) return `${like}; a wildcard takes a rule of your own (HostRegexp)`;
  return /[:/]/.test(text) ? `${like}, without https://, port and path` : like;
}
