// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** A text from a repository, which may hold anything, without what a terminal would take for a command. */
export const plainText = (text: string): string => text.replaceAll(CONTROL, '·');
