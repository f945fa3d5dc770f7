/** The parts of an expression that stand for one thing, or group or repeat others. Source: the syntax of RE2. */
const PARTS =
  /\\Q([\s\S]*?)(?:\\E|$)|\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[\s\S]|\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|\(\?[^:)]*[:)]|[\s\S]/g;

/** About how many instructions an expression is compiled to, told from its text without compiling it: repetitions are written out. */
export function regexpSize(source: string): number {
  const open: number[] = [];
  let [total, last] = [0, 0];
  const add = (size: number): void => {
    total += size;
    last = size;
  };
  for (const [text, quoted, least, most] of source.matchAll(PARTS)) {
    if (quoted !== undefined) add(quoted.length);
    else if (least !== undefined) {
      const times = Math.max(1, Number(least), Number(most ?? 0));
      total += last * (times - 1);
      last *= times;
    } else if (text.startsWith('(') && !text.endsWith(')')) {
      open.push(total);
      total = 0;
    } else if (text === ')') {
      const inner = total;
      total = open.pop() ?? 0;
      add(inner + 1);
    } else add(1);
  }
  return open.reduce((sum, outer) => sum + outer, total);
}
