import type { Config } from '../config/config.ts';
import { translationOf } from '../config/policy-of.ts';
import { revision, specId } from '../core/model/ids.ts';
import type { KubernetesObject, Spec } from '../core/model/objects.ts';
import { type DecodedSpec, decodeSpec } from '../core/spec/decode-spec.ts';
import { readSettings } from '../core/spec/read-settings.ts';
import { type BuiltTags, buildTags } from '../core/tags/build-tags.ts';
import { traefikName } from '../core/tags/traefik-names.ts';

/** The tags of one Service of a spec, and what became of each Traefik 1 tag among them. */
export interface TranslatedService extends BuiltTags {
  readonly namespace: string;
  readonly name: string;
  /** The Consul service. */
  readonly service: string;
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
    return { ...built, problems: [...problems, ...built.problems], namespace, name, service };
  });
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
