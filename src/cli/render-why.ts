import { ageWords, type Explanation, type Link, type LinkState, type Verdict } from '../core/report/explanation.ts';
import type { SourceReport } from '../core/report/run-report.ts';
import type { Colors } from './colors.ts';

const SIGNS: Readonly<Record<LinkState, string>> = {
  ok: '✓ ok',
  broken: '✗ broken',
  waiting: '… waiting',
  unknown: '? unknown',
  'not-watched': '- not watched',
};

/** The answer to `why` for people: the verdict, a line for each step with the facts of the one to be mended, and what to do. */
export function renderWhy(answer: Explanation, colors: Colors, all: boolean): string {
  const { links, cause } = answer;
  const width = Math.max(0, ...links.map(({ link }) => link.length));
  const lines = links.flatMap((link) => {
    const isCause = cause !== undefined && link.link === cause.link && link.says === cause.says;
    const facts = all || isCause ? link.facts : [];
    return [linkLine(link, { width, isCause }, colors), ...facts.map((fact) => `    ${''.padEnd(SIGN_WIDTH + width)}${plain(fact)}`)];
  });
  const remedy = cause?.remedy === undefined ? [] : [colors.bold(`To do: ${plain(cause.remedy)}`)];
  const head = paint(answer.verdict, colors)(colors.bold(plain(answer.says)));
  return `${[head, '', ...lines, '', ...remedy, colors.dim(knowledge(answer))].join('\n')}\n`;
}

const SIGN_WIDTH = Math.max(...Object.values(SIGNS).map((sign) => sign.length));

/** What is younger is as good as now; the last line tells it all the same. */
const OLD_MS = 30_000;

function linkLine(
  { link, state, code, says, ageMs }: Link,
  { width, isCause }: { width: number; isCause: boolean },
  colors: Colors,
): string {
  const sign = SIGNS[state].padEnd(SIGN_WIDTH);
  const painted = { ok: colors.green, broken: colors.red, waiting: colors.yellow, unknown: colors.yellow, 'not-watched': colors.dim }[
    state
  ](sign);
  const word = code === 'ok' || state === 'not-watched' ? '' : ` [${code}]`;
  const age = ageMs === undefined || ageMs < OLD_MS ? '' : colors.dim(`  ${ageWords(ageMs)} ago`);
  const text = `${link.padEnd(width)}  ${plain(says)}${word}`;
  return `${painted}  ${isCause ? colors.bold(text) : text}${age}`;
}

const paint = (verdict: Verdict, colors: Colors): ((text: string) => string) =>
  ({ 'in-traffic': colors.green, degraded: colors.yellow, out: colors.red, unknown: colors.yellow })[verdict];

/** How old what the answer is made of is; a source that does not answer is named. */
function knowledge({ runAgeMs, sources }: Explanation): string {
  const ages = sources.filter(({ source }) => !source.startsWith('objects:')).map(sourceAge);
  return `Seen by the last run ${ageWords(runAgeMs)} ago; ${ages.join(', ')}`;
}

const sourceAge = ({ source, kind, ageMs }: SourceReport): string =>
  `${source} ${ageMs === undefined ? 'never' : ageWords(ageMs)}${kind === 'complete' ? '' : ` (${kind})`}`;

/** Authors of commits and annotations write some of it: nothing of theirs may steer the terminal. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
