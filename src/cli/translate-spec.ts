import type { Config } from '../config/config.ts';
import { translationOf } from '../config/policy-of.ts';
import { revision, specId } from '../core/model/ids.ts';
import type { KubernetesObject, Spec } from '../core/model/objects.ts';
import { type DecodedSpec, decodeSpec } from '../core/spec/decode-spec.ts';
import { readSettings } from '../core/spec/read-settings.ts';
import { annotationTags, parseTag, type Tag } from '../core/tags/annotation-tags.ts';
import { type BuiltTags, buildTags } from '../core/tags/build-tags.ts';
import { isV1Tag, isV3Router } from '../core/tags/tag-kinds.ts';
import { traefikName } from '../core/tags/traefik-names.ts';
import { v3TagFaults } from '../core/validate/v3-tag-faults.ts';
import { problem } from '../shared/problem.ts';

/** The tags of one Service of a spec, and what became of each Traefik 1 tag among them. */
export interface TranslatedService extends BuiltTags {
  readonly namespace: string;
  readonly name: string;
  /** The Consul service. */
  readonly service: string;
  /** Why its Traefik 1 tags are not translated; absent when they are, or when it has none. */
  readonly untranslated?: string;
}

/** Decodes one spec from its text; nothing else is read. */
export function specOfText(file: string, text: string, { specs, git }: Config): DecodedSpec {
  const { defaultNamespace, namespaceFromFolder } = specs;
  const bytes = new TextEncoder().encode(text);
  const options = { defaultNamespace, namespaceFromFolder, root: git.root };
  return decodeSpec({ id: specId(file), blobId: revision(''), content: { kind: 'bytes', bytes } }, options);
}

/** The tags of every Service of a spec as the configuration wants them; Services that name each other are known to each other. */
export function translateSpec({ objects }: Spec, { traefik, ...config }: Config): readonly TranslatedService[] {
  const services = objects
    .filter(({ object }) => object.apiVersion === 'v1' && object.kind === 'Service')
    .map(({ object }) => placeOf(object));
  const known = new Map(services.map(({ service, namespace, name }) => [service, traefikName(namespace, name)]));
  return services.map(({ annotations, namespace, name, service }) => {
    const { settings, problems } = readSettings(annotations);
    const built = buildTags({
      annotations,
      extraTags: settings.tags ?? [],
      namespace,
      name,
      service,
      dialect: traefik.dialect === 'v1' ? 'both' : traefik.dialect,
      entryPoints: traefik.entryPoints,
      translation: translationOf({ ...config, traefik }),
      traefikServiceOf: (consulService) => known.get(consulService),
    });
    const written = [...annotationTags(annotations), ...(settings.tags ?? []).map(parseTag)];
    const faults = v3TagFaults(written).map(({ code, message, remedy, tag }) => ({
      ...problem(code, `Service ${namespace}/${name}: ${message}`, remedy === undefined ? {} : { remedy }),
      tag,
    }));
    const reason = built.steps.length > 0 ? undefined : whyUntranslated(written);
    const untranslated = reason === undefined ? {} : { untranslated: reason };
    return { ...built, problems: [...problems, ...built.problems, ...faults], namespace, name, service, ...untranslated };
  });
}

function whyUntranslated(written: readonly Tag[]): string | undefined {
  if (!written.some((tag) => isV1Tag(tag) && tag.key.toLowerCase() !== 'traefik.tags')) return undefined;
  if (written.some(isV3Router)) return 'Nothing is translated: the Service has Traefik 3 routers of its own.';
  return 'Nothing is translated: traefik.enable switches the Service off.';
}

interface Place {
  readonly annotations: Readonly<Record<string, string>>;
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
}

function placeOf({ metadata }: KubernetesObject): Place {
  const { name, namespace = '', annotations = {} } = metadata;
  return { annotations, namespace, name, service: readSettings(annotations).settings.serviceName ?? name };
}
