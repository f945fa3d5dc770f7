import type { Problem } from '../../shared/problem.ts';
import { SETTINGS } from '../model/marks.ts';
import type { Spec } from '../model/objects.ts';
import type { Policy } from '../model/policy.ts';
import { findSpecRouteConflicts } from '../plan/route-conflicts.ts';
import { placeTag, type TaggedService } from './check-tags.ts';

/**
 * What the daemon would say of the routes of these Services, as far as their tags can be read: middlewares and services that nobody
 * declares, routers that take each other's requests, names that are declared twice. Each is told at the tag that it is about.
 */
export function checkRoutes(services: readonly TaggedService[], policy: Policy): readonly Problem[] {
  const readable = services.filter(({ isReadable }) => isReadable);
  const specs = [...Map.groupBy(readable, ({ service }) => service.file)].map(
    ([id, own]): Spec => ({ id, blobId: '', objects: own.map(({ service }) => service.decoded) }),
  );
  const told = [...findSpecRouteConflicts(specs, policy).values()].flat();
  return told.map((problem) => {
    const place = placeOf(problem);
    const party = readable.find(({ service }) => placeOf({ where: { file: service.file, ...service.decoded.where } }) === place);
    return party === undefined ? problem : placed(problem, party);
  });
}

const placeOf = ({ where }: Pick<Problem, 'where'>): string => `${where?.file}:${where?.line}:${where?.column}`;

function placed({ code, message, remedy, severity }: Problem, { service }: TaggedService): Problem {
  // What nobody declares here may be declared elsewhere: in a file of Traefik's own, or by a service of another program.
  const isElsewhere = /does not exist\b/.test(message);
  const finding = { code, message, remedy, severity: isElsewhere ? ('warning' as const) : severity };
  return service.problemOf(placeTag(finding, tagOf(message, service.annotations), service));
}

/** The key of the tag that a message is about, as far as it is written: of an object that it names, or else a rule. */
function tagOf(message: string, annotations: Readonly<Record<string, string>>): string | undefined {
  const keys = Object.entries(annotations).flatMap(([key, value]) => (key === SETTINGS.tags ? value.split('\n').map(keyOfLine) : [key]));
  const rules = keys.filter((key) => /^traefik\..*\.rule$/i.test(key));
  const isNamed = (key: string): boolean => {
    const [, , section = '', name = ''] = key.split('.');
    return /^(?:router|service|middleware)s$/i.test(section) && message.includes(`${section.slice(0, -1)} ${name}`);
  };
  return rules.find(isNamed) ?? keys.find(isNamed) ?? rules[0];
}

const keyOfLine = (line: string): string => line.trim().split('=', 1)[0] ?? '';
