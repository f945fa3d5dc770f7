import type { Severity } from '../../shared/problem.ts';
import { withoutUsers } from '../model/shown-tag.ts';
import type { FoundConflict } from '../routes/route-conflict.ts';

/** What is told of a conflict. */
export interface RouteWords {
  readonly message: string;
  readonly remedy: string;
  readonly severity?: Severity;
}

/** One of two who take part in a conflict. */
export interface ConflictSide {
  /** `a.yaml:20`. */
  readonly place: string;
  /** `Service default/a`. */
  readonly title: string;
}

/** What is told of a conflict of two, at the place of the one that yields, or would. */
export function pairWords(
  conflict: FoundConflict,
  names: readonly string[],
  [one, other]: readonly [ConflictSide, ConflictSide],
): RouteWords {
  const both = `${one.place} and ${other.place} both`;
  const yields = `${other.title} would not be registered beside ${one.title}`;
  const named = names.map(objectWords).join(' and ');
  switch (conflict.kind) {
    case 'conflict':
      return {
        message: `${both} declare ${named}, in different ways: Traefik would drop it for both; ${yields}`,
        remedy: `Give it another name in the tags of one of them, or write it in the same way in both.`,
      };
    case 'shared-service':
      return {
        message: `${both} put servers into ${named}: each would get the requests of the other; ${yields}`,
        remedy: 'Give the Traefik service another name in the tags of one of them, or register both under one Service.',
      };
    case 'same-rule':
      return {
        message: `${both} take the same requests, with the same priority: chance would decide who answers; ${yields}`,
        remedy: 'Change the host or the path in the rule of one of them.',
      };
    case 'overlap': {
      const request = /both take (.*); chance decides/.exec(conflict.message)?.[1] ?? 'some requests';
      return {
        message: `${both} take ${request}, with the same priority: chance decides whether ${one.title} or ${other.title} answers`,
        remedy: PRIORITY_REMEDY,
      };
    }
    case 'shadowed':
      return {
        message: `no request comes to ${other.place}: ${one.place} takes all of them first, for ${one.title}`,
        remedy: PRIORITY_REMEDY,
      };
    case 'udp-entry-point':
      return {
        message: `${both} take all of one UDP entry point: only one of them is served; ${yields}`,
        remedy: 'Put them on entry points of their own.',
      };
    default:
      return { message: `${both}: ${withoutUsers(conflict.message)}`, remedy: 'Correct the tags of one of them, as the message says.' };
  }
}

/** `service shop` as people tell it from a Service. */
const objectWords = (what: string): string => `the ${what.replace(/^((?:TCP |UDP )?)service /, '$1Traefik service ')}`;

const PRIORITY_REMEDY = 'Change one of the rules, or give the narrower one the higher priority.';

/** What is told of a conflict that the tags of one Service have by themselves. */
export function soleWords(conflict: FoundConflict, title: string, subject: string): RouteWords {
  const { what, message, kind, severity } = conflict;
  const reason = withoutUsers(message.startsWith(`${what}: `) ? message.slice(what.length + 2) : message);
  const missing = /^(middleware|the service|entryPoint) "([^"]+)" (?:does not exist|doesn't exist)$/.exec(reason);
  if (missing !== null) return missingWords(subject, [missing[1] ?? '', missing[2] ?? ''], title);
  const end = severity === 'error' ? `; ${title} would not be registered` : '';
  const remedy = 'Correct the tags of the Service, or define in Traefik what they refer to.';
  if (kind === 'instance' || kind === 'lost-instance')
    return { message: `Traefik cannot take the tags together: ${reason.replace(/^its tags cannot be read: /, '')}${end}`, remedy };
  if (kind === 'same-rule' || kind === 'overlap' || kind === 'shadowed')
    return { message: `${objectWords(what)}: ${reason}`, remedy: PRIORITY_REMEDY };
  return { message: `Traefik would not serve ${objectWords(what)} as meant: ${reason}${end}`, remedy };
}

/** What nobody declares here may be declared elsewhere: in a file of Traefik's own, or by a service of another program. */
function missingWords(subject: string, [kind, qualified]: readonly [string, string], title: string): RouteWords {
  if (kind === 'entryPoint') {
    return {
      message: `the ${subject} names the entry point ${qualified}, which Traefik does not have`,
      remedy: 'Correct its name, or add it to traefik.known.entryPoints.',
    };
  }
  const noun = kind === 'middleware' ? 'middleware' : 'Traefik service';
  const name = qualified.replace(/@consulcatalog$/, '');
  const isOurs = name !== qualified;
  const where = isOurs ? `which no tags here declare` : `which the configuration does not know`;
  const remedy = isOurs
    ? `Declare it in tags, correct the name, or name its provider as well, such as ${name}@file.`
    : `Correct the name, or add it to traefik.known.${kind === 'middleware' ? 'middlewares' : 'services'}.`;
  return {
    message: `the ${subject} names the ${noun} ${name}, ${where}: ${title} would not be registered while nobody declares it`,
    remedy,
    severity: 'warning',
  };
}
