// One of these anywhere in a name is refused by `git check-ref-format`: control characters, space, and what means
// something else in a revision or a pattern.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{/;

/**
 * Whether `name` can be a branch, by the rules of `git check-ref-format --branch`. A name that holds no more than this cannot
 * be taken for an option, a pattern or another revision by any git command.
 */
export function isBranchName(name: string): boolean {
  if (name === '' || name === 'HEAD' || name.startsWith('-') || name.endsWith('.') || FORBIDDEN.test(name)) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}
