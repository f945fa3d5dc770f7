import { describe, expect, it } from 'vitest';
import { deployment, findings, service } from './validate.ts';

const envelope = (annotations: Readonly<Record<string, string>>, container: object, spec: object): string => {
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1', ...container }] } };
  const workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: labels }, template },
  };
  const front = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', annotations },
    spec: { type: 'NodePort', selector: labels, ...spec },
  };
  return JSON.stringify({ objects: { deployments: { specification: workload }, services: { specification: front } } }, null, 1);
};

/** Where a text stands in a file, as a finding tells it. */
function placeOf(text: string, part: string): string {
  const before = text.slice(0, text.indexOf(part)).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

interface Mistake {
  /** What stands in the file at the very place. */
  readonly at: string;
  readonly code: string;
  readonly words: string;
}

const V3_YAML =
  deployment('web', '          imagePullPolicyy: Always\n') +
  service(
    'web',
    [
      'poolkeeper.dev/drain-seconds: ten',
      'traefik.http.routers.web.rule: Host(`a.example.com`) && PathPrefx(`/a`)',
      'traefik.http.services.web.loadbalancer.stategy: p2c',
      'traefik.http.services.web.loadbalancer.server.scheme: htps',
    ],
    'htp',
  );
const V1_YAML =
  deployment('web').replace('labels: { app: web } }\n    spec', 'labels: { app: wep } }\n    spec') +
  service('web', [
    'traefik.frontend.rule: Hst:a.example.com',
    'traefik.frontend.entryPoints: htp',
    'traefik.frontend.passHostHeadr: "true"',
    'traefik.backend.loadbalancer.method: drr',
    'traefik.weight: heavy',
  ]);
const V3_JSON = envelope(
  {
    'poolkeeper.dev/tags':
      'traefik.http.routers.web.rule=Host("a b")\ntraefik.http.routers.web.middlewares=m\ntraefik.http.middlewares.m.redirectregex.regex=(',
    'traefik.http.routers.web.priority': 'high',
    'poolkeeper.dev/health': 'pods',
  },
  { ports: [{ containerPort: '8080' }] },
  { ports: [{ port: 80, targetport: 8080 }] },
);
const V1_JSON = envelope(
  {
    'traefik.frontend.rule': 'Host:a.example.com;Pth:/a',
    'traefik.frontend.redirect.regex': '^(a',
    'traefik.frontend.redirect.replacement': '$1',
    'traefik.backend.healthcheck.path': '/h',
    'traefik.backend.healthcheck.port': '99999',
    'traefik.backend.maxcon.amount': '10',
  },
  { imag: 'x' },
  { ports: [{ port: 80 }], sessionAfinity: 'None' },
);

const CASES: readonly (readonly [string, string, string, readonly Mistake[]])[] = [
  [
    'YAML with tags of Traefik 3',
    'web.yaml',
    V3_YAML,
    [
      { at: 'imagePullPolicyy', code: 'SPEC_UNKNOWN_FIELD', words: 'Did you mean "imagePullPolicy"?' },
      { at: 'ten\n', code: 'SPEC_BAD_ANNOTATION', words: 'drain-seconds' },
      { at: 'PathPrefx', code: 'TAG_INVALID', words: 'there is no matcher PathPrefx' },
      { at: 'traefik.http.services.web.loadbalancer.stategy', code: 'TAG_INVALID', words: 'Did you mean "strategy"?' },
      { at: 'htps', code: 'TAG_INVALID', words: 'Did you mean "https"?' },
      { at: 'htp }', code: 'SPEC_TARGET_PORT_MISSING', words: 'they have http 8080' },
    ],
  ],
  [
    'YAML with tags of Traefik 1',
    'web.yaml',
    V1_YAML,
    [
      { at: '{ app: web } }\n  template', code: 'SPEC_INVALID_FIELD', words: 'does not fit the labels of the pod template' },
      { at: 'Hst:', code: 'TAG_NOT_TRANSLATED', words: 'Traefik 1 has no function "Hst"' },
      { at: 'htp\n', code: 'TAG_NOT_TRANSLATED', words: 'names the entry point "htp"' },
      { at: 'traefik.frontend.passHostHeadr', code: 'TAG_UNKNOWN', words: 'Did you mean "traefik.frontend.passHostHeader"?' },
      { at: 'drr', code: 'TAG_NOT_TRANSLATED', words: 'Choose wrr, p2c or leasttime' },
      { at: 'heavy', code: 'TAG_UNKNOWN', words: 'does not take for a weight' },
      { at: '{ app: web }\n  ports', code: 'SPEC_SELECTS_NOTHING', words: 'those of Deployment default/web are app=wep' },
    ],
  ],
  [
    'an envelope with tags of Traefik 3',
    'web.json',
    V3_JSON,
    [
      { at: '"8080"', code: 'SPEC_INVALID_FIELD', words: 'without quotes' },
      { at: 'a b\\"', code: 'TAG_INVALID', words: 'asks for the host "a b", which no request has' },
      { at: '(",', code: 'TAG_INVALID', words: 'is no regular expression' },
      { at: '"high"', code: 'TAG_INVALID', words: 'Write a whole number.' },
      { at: '"pods"', code: 'SPEC_BAD_ANNOTATION', words: 'must be one of' },
      { at: '"targetport"', code: 'SPEC_UNKNOWN_FIELD', words: 'Did you mean "targetPort"?' },
    ],
  ],
  [
    'an envelope with tags of Traefik 1',
    'web.json',
    V1_JSON,
    [
      { at: '"imag"', code: 'SPEC_UNKNOWN_FIELD', words: 'Did you mean "image"?' },
      { at: 'Pth:', code: 'TAG_NOT_TRANSLATED', words: 'Traefik 1 has no function "Pth"' },
      { at: '"^(a"', code: 'TAG_INVALID', words: 'is no regular expression' },
      { at: '"99999"', code: 'TAG_INVALID', words: 'is no port' },
      { at: '"traefik.backend.maxcon.amount"', code: 'TAG_UNKNOWN', words: 'Did you mean "traefik.backend.maxconn.amount"?' },
      { at: '"sessionAfinity"', code: 'SPEC_UNKNOWN_FIELD', words: 'Did you mean "sessionAffinity"?' },
    ],
  ],
];

describe('several different mistakes of one file', () => {
  it.each(CASES)('are all told in one run, each once, with its place and what to do: %s', (_, name, text, mistakes) => {
    const told = findings({ [name]: text });
    expect(told.map((line) => line.replace(/^[^:]*:(\d+:\d+) \w+ (\w+): .*$/, '$1 $2'))).toEqual(
      mistakes.map(({ at, code }) => `${placeOf(text, at)} ${code}`),
    );
    for (const [i, { words }] of mistakes.entries()) expect(told[i]).toContain(words);
  });
});
