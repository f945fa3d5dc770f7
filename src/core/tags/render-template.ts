/** What a rule's Go template sees (reference: traefik.md 1.4). */
export interface TemplateData {
  readonly serviceName: string;
  /** Undefined when the configuration does not tell it. */
  readonly domain: string | undefined;
  /** The tags, as texts. */
  readonly attributes: readonly string[];
}

export type Rendered = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'failed'; readonly reason: string };

/** True for text with Go template actions. */
export const isTemplate = (text: string): boolean => text.includes('{{');

/** The text outside of actions: all that is sure to come out as it is written. */
export const withoutActions = (text: string): string => text.replaceAll(ACTION, '');

const ACTION = /\{\{(?<trimBefore>- )?(?<code>(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*?)(?<trimAfter> -)?\}\}/g;

/**
 * Renders the part of Go's templates that rules are written in: `.ServiceName`, `.Domain`, the functions `getTag`, `getAttribute` and
 * `hasTag`, texts in quotes, `if … else … end`, comments, and the trimming dashes. Anything else fails, never half.
 */
export function renderTemplate(template: string, data: TemplateData): Rendered {
  const pieces = piecesOf(template);
  if (pieces === undefined) return failed('its template has braces that do not match');
  const shown: Frame[] = [{ isShown: true, condition: true, hasElse: false }];
  let text = '';
  for (const piece of pieces) {
    const isShown = shown.every((frame) => frame.isShown);
    if (piece.kind === 'text') text += isShown ? piece.text : '';
    else if (/^(?:if\s|else$|end$)/.test(piece.text)) {
      const problem = branch(piece.text, shown, isShown, data);
      if (problem !== undefined) return failed(problem);
    } else if (isShown && !/^\/\*.*\*\/$/s.test(piece.text)) {
      const value = evaluate(piece.text, data);
      if (value.kind === 'failed') return value;
      text += value.text;
    }
  }
  return shown.length === 1 ? { kind: 'text', text } : failed('its template lacks {{end}}');
}

interface Frame {
  isShown: boolean;
  readonly condition: boolean;
  hasElse: boolean;
}
interface Piece {
  readonly kind: 'text' | 'action';
  readonly text: string;
}

const failed = (reason: string): Rendered => ({ kind: 'failed', reason });

/** Text and actions in turn; undefined when braces are left over. */
function piecesOf(template: string): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let at = 0;
  let trim = false;
  for (const match of template.matchAll(ACTION)) {
    const { trimBefore, code = '', trimAfter } = match.groups ?? {};
    const before = template.slice(at, match.index);
    if (isTemplate(before)) return undefined;
    const left = trim ? before.trimStart() : before;
    pieces.push({ kind: 'text', text: trimBefore === undefined ? left : left.trimEnd() }, { kind: 'action', text: code.trim() });
    trim = trimAfter !== undefined;
    at = match.index + match[0].length;
  }
  const rest = template.slice(at);
  if (isTemplate(rest)) return undefined;
  return [...pieces, { kind: 'text', text: trim ? rest.trimStart() : rest }];
}

/** Opens, turns over or closes a condition; the reason when that cannot be. */
function branch(action: string, frames: Frame[], isShown: boolean, data: TemplateData): string | undefined {
  const frame = frames.at(-1);
  if (action.startsWith('if')) {
    const value = isShown ? evaluate(action.slice(2).trim(), data) : { kind: 'text' as const, text: '' };
    if (value.kind === 'failed') return value.reason;
    const condition = value.text !== '' && value.text !== 'false';
    frames.push({ isShown: condition, condition, hasElse: false });
    return undefined;
  }
  if (frame === undefined || frames.length === 1 || (action === 'else' && frame.hasElse))
    return `its template has {{${action}}} without {{if}}`;
  if (action === 'end') frames.pop();
  else Object.assign(frame, { isShown: !frame.condition, hasElse: true });
  return undefined;
}

const CALL =
  /^(?<call>getTag|getAttribute|hasTag)\s+(?<name>"(?:[^"\\]|\\.)*"|`[^`]*`)\s+\.Attributes(?:\s+(?<fallback>"(?:[^"\\]|\\.)*"|`[^`]*`))?$/;

function evaluate(code: string, data: TemplateData): Rendered {
  const expression = code.startsWith('(') && code.endsWith(')') ? code.slice(1, -1).trim() : code;
  if (expression === '.ServiceName') return { kind: 'text', text: data.serviceName };
  if (expression === '.Domain') {
    return data.domain === undefined
      ? failed('its template asks for .Domain, which the option traefik.domain does not tell')
      : { kind: 'text', text: data.domain };
  }
  const literal = unquote(expression);
  if (literal !== undefined) return { kind: 'text', text: literal };
  const { call, name, fallback } = CALL.exec(expression)?.groups ?? {};
  const wanted = unquote(name ?? '');
  const takesFallback = call !== 'hasTag';
  if (call === undefined || wanted === undefined || takesFallback !== (fallback !== undefined)) {
    return failed(`its template holds {{${code}}}, which is not understood`);
  }
  const tag = findTag(call === 'getAttribute' ? `traefik.${wanted}` : wanted, data.attributes);
  if (call === 'hasTag') return { kind: 'text', text: String(tag !== undefined) };
  return { kind: 'text', text: tag ?? unquote(fallback ?? '') ?? '' };
}

/** The value of the first tag of that name, in any letter case; the tag itself when it has no value. */
function findTag(name: string, attributes: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const tag = attributes.find((text) => text.toLowerCase() === wanted || text.toLowerCase().startsWith(`${wanted}=`));
  return tag?.slice(tag.indexOf('=') + 1);
}

/** A Go string literal; undefined for anything else. */
function unquote(literal: string): string | undefined {
  if (/^`[^`]*`$/.test(literal)) return literal.slice(1, -1);
  if (!/^"(?:[^"\\\n]|\\.)*"$/.test(literal)) return undefined;
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
