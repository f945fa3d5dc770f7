import { parseExpression, type Token } from '../routes/parse-expression.ts';
import { parseRule } from '../routes/parse-rule.ts';
import { parseTcpRule } from '../routes/read-tcp-rule.ts';
import type { TagFault } from './tag-fault.ts';

const READ_REMEDY = 'Correct the rule at this place; matchers such as Host(`a.example.com`) are joined by &&, || and !.';

/** Why Traefik 3 cannot read a rule; where it can, everything in it that no request fits. */
export function ruleFaults(rule: string): readonly TagFault[] {
  const parsed = parseRule(rule);
  if (!parsed.ok) return [unreadable(parsed.error)];
  const faults: TagFault[] = [];
  parseExpression(rule, (name, values) => {
    const value = values.at(-1);
    const fault = value === undefined ? undefined : SUSPICIONS[name.value.toLowerCase()]?.(value.value);
    if (fault !== undefined && value !== undefined) faults.push({ ...fault, severity: 'warning', offset: offsetOf(value, rule) });
    return { kind: 'match' };
  });
  return faults;
}

/** Why Traefik 3 cannot read the rule of a TCP router. */
export function tcpRuleFaults(rule: string): readonly TagFault[] {
  const parsed = parseTcpRule(rule);
  return parsed.ok ? [] : [unreadable(parsed.error)];
}

const unreadable = ({ column, message }: { readonly column: number; readonly message: string }): TagFault => ({
  reason: `cannot be read, at its character ${column}: ${message}`,
  remedy: READ_REMEDY,
  offset: column - 1,
});

/** Of the value itself, behind its quote, where it is written as it is. */
const offsetOf = ({ value, column }: Token, rule: string): number => column - 1 + (rule.startsWith(value, column) ? 1 : 0);

type Suspicion = (value: string) => Pick<TagFault, 'reason' | 'remedy'> | undefined;

const HOST = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.-])?$/i;
const IPV6 = /^\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*\]?$/i;

const host: Suspicion = (value) => {
  if (HOST.test(value) || IPV6.test(value)) return undefined;
  const reason = `asks for the host "${value}", which no request has`;
  const [, scheme, name = '', port, path] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/:\s]+)(:\d*)?(\/.*)?$/i.exec(value) ?? [];
  if (name.startsWith('*')) return { reason: `${reason} before Traefik 3.7`, remedy: wildcardRemedy(name) };
  const isRest = scheme !== undefined || port !== undefined || path !== undefined;
  if (!isRest || !HOST.test(name)) return { reason, remedy: 'Write a host name such as a.example.com.' };
  const prefix = path === undefined || path === '/' ? '' : ` && PathPrefix(\`${path}\`)`;
  return { reason, remedy: `Write the name alone: Host(\`${name}\`)${prefix}.` };
};

const wildcardRemedy = (name: string): string =>
  /^\*\.[a-z0-9_.-]+$/i.test(name)
    ? `Write HostRegexp(\`^[^.]+${name.slice(1).replaceAll('.', '\\.')}$\`).`
    : 'Write a host name, or an expression in HostRegexp.';

/** Of Traefik 1 and 2, where braces made a pattern. */
const BRACES = /\{[A-Za-z][\w-]*(?::[^}]*)?\}/;

const path =
  (regexp: string): Suspicion =>
  (value) => {
    if (BRACES.test(value)) {
      const reason = `asks for a path with braces, "${value}": Traefik 3 takes them as they are`;
      return { reason, remedy: `Write a regular expression in ${regexp}, such as ${regexp}(\`^/[^/]+/edit$\`).` };
    }
    const mark = /[?#*]/.exec(value)?.[0];
    if (mark === undefined) return undefined;
    if (mark === '*') {
      const remedy = `PathPrefix takes all that begins with a path; a pattern is written as ${regexp}(\`^/a/.*\`).`;
      return { reason: `asks for a path with a "*", "${value}": Traefik 3 takes it as it is`, remedy };
    }
    const remedy = mark === '?' ? 'Write the path alone, and Query(`name`, `value`) beside it.' : 'Write the path alone.';
    return { reason: `asks for the path "${value}", which no request has: what follows a "${mark}" is not part of it`, remedy };
  };

const pattern: Suspicion = (value) =>
  BRACES.test(value)
    ? {
        reason: `holds braces that are no repetition, "${value}": Traefik 3 takes them as they are`,
        remedy: 'Write the expression alone: [a-z]+ in place of {name:[a-z]+}.',
      }
    : undefined;

const SUSPICIONS: Readonly<Record<string, Suspicion>> = {
  host,
  hostregexp: pattern,
  path: path('PathRegexp'),
  pathprefix: path('PathRegexp'),
  pathregexp: pattern,
};
