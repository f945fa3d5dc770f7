/** The import rules of docs/architecture.md, one line each: which files a folder may import, and which packages. */
const only = (name, from, allowed) => ({ name, severity: 'error', from: { path: from }, to: { pathNot: allowed } });
const npm = (...names) => `^node_modules/(${names.join('|')})/`;

/** Modules of Node itself: told by their type, since their names are too various for a pattern. */
const withoutBuiltins = (rule) => ({ ...rule, to: { ...rule.to, dependencyTypesNot: ['core'] } });
const onlyOrNode = (name, from, allowed) => withoutBuiltins(only(name, from, allowed));

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    onlyOrNode('shared', '^src/shared/', ['^src/shared/']),
    only('core-model', '^src/core/model/', ['^src/core/model/', '^src/shared/', npm('canonicalize'), '^crypto$']),
    only('core-spec', '^src/core/spec/', ['^src/core/(model|spec)/', '^src/shared/', npm('js-yaml'), '^buffer$', '^util$']),
    only('core-write-spec', '^src/core/write-spec/', ['^src/core/(model|spec|write-spec)/', '^src/shared/', npm('js-yaml')]),
    only('core-snapshot', '^src/core/snapshot/', ['^src/core/(model|snapshot)/', '^src/shared/']),
    only('core-pool-tags', '^src/core/(pool|tags)/', ['^src/core/(model|$1)/', '^src/shared/']),
    only('core-routes', '^src/core/routes/', ['^src/core/(model|routes)/', '^src/shared/', npm('re2js')]),
    only('core-health', '^src/core/health/', ['^src/core/(health|model)/', '^src/shared/']),
    only('core-desired', '^src/core/desired/', ['^src/core/(desired|model|spec|pool|tags|routes)/', '^src/shared/']),
    only('core-plan', '^src/core/plan/', ['^src/core/(plan|desired|health|pool|routes|model)/', '^src/shared/']),
    only('core-validate', '^src/core/validate/', ['^src/core/(validate|spec|tags|routes|desired|plan|model)/', '^src/shared/']),
    only('core-rights', '^src/core/rights/', ['^src/core/(rights|model)/', '^src/shared/']),
    only('core-notify', '^src/core/notify/', ['^src/core/(notify|report|model)/', '^src/shared/']),
    only('core-report', '^src/core/report/', ['^src/core/', '^src/shared/', npm('diff')]),
    onlyOrNode('config', '^src/config/', ['^src/config/', '^src/core/model/', '^src/shared/', npm('zod', 'js-yaml', 'node-cron')]),
    onlyOrNode('run', '^src/run/', ['^src/run/', '^src/core/', '^src/shared/', npm('p-limit', 'node-cron')]),
    onlyOrNode('adapter-git', '^src/adapters/git/', [
      '^src/adapters/git/',
      '^src/core/model/',
      '^src/shared/',
      npm('simple-git', 'semver', 'picomatch'),
    ]),
    onlyOrNode('adapter-kubernetes', '^src/adapters/kubernetes/', [
      '^src/adapters/kubernetes/',
      '^src/core/model/',
      '^src/shared/',
      npm('@kubernetes/client-node', 'undici'),
    ]),
    onlyOrNode('adapter-consul', '^src/adapters/consul/', ['^src/adapters/consul/', '^src/core/model/', '^src/shared/', npm('consul')]),
    onlyOrNode('adapter-network', '^src/adapters/network/', ['^src/adapters/network/', '^src/core/model/', '^src/shared/']),
    onlyOrNode('adapter-traefik', '^src/adapters/traefik/', ['^src/adapters/traefik/', '^src/core/model/', '^src/shared/', npm('undici')]),
    onlyOrNode('adapter-notify', '^src/adapters/notify/', ['^src/adapters/notify/', '^src/core/model/', '^src/shared/', npm('undici')]),
    onlyOrNode('adapter-schema', '^src/adapters/schema/', ['^src/adapters/schema/', '^src/core/model/', '^src/shared/', npm('ajv')]),
    {
      ...onlyOrNode('telemetry', '', ['^src/telemetry/', '^src/core/', '^src/shared/', npm('pino', 'pino-pretty', 'prom-client')]),
      from: { path: '^src/telemetry/', pathNot: '^src/telemetry/otlp-tracer\\.ts$' },
    },
    // Loaded only where traces are sent: nothing else may draw it in.
    onlyOrNode('telemetry-traces', '^src/telemetry/otlp-tracer\\.ts$', [
      '^src/telemetry/',
      '^src/shared/',
      npm('@opentelemetry/(api|exporter-trace-otlp-http|resources|sdk-trace-base)'),
    ]),
    onlyOrNode('http', '^src/http/', ['^src/http/', '^src/core/', '^src/shared/', '^docs/openapi\\.json$', npm('fastify', 'zod')]),
    {
      name: 'renderers-see-types-only',
      severity: 'error',
      from: { path: '^src/(telemetry|http)/' },
      to: { path: '^src/core/', pathNot: '^src/core/report/', dependencyTypesNot: ['type-only'] },
    },
    // It runs in browsers: nothing of Node, and of the rest the shapes of answers alone.
    only('web', '^src/web/', ['^src/web/', '^src/(core/report|core/model|http|shared)/', npm('preact', '@preact/signals')]),
    {
      name: 'web-sees-types-only',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: '^src/', pathNot: '^src/web/', dependencyTypesNot: ['type-only'] },
    },
    onlyOrNode('sandbox', '^src/sandbox/', ['^src/sandbox/', '^src/core/(model|routes)/', '^src/shared/']),
    {
      ...onlyOrNode('cli', '', ['^src/(?!sandbox|web)', npm('commander', 'picocolors', 'js-yaml')]),
      from: { path: '^src/cli/', pathNot: '^src/cli/demo\\.ts$' },
    },
    onlyOrNode('cli-demo', '^src/cli/demo\\.ts$', ['^src/(?!web)']),
    onlyOrNode('wiring', '^src/(connections|daemon|live-report|log-and-traces|notifications|once|parts|wishes)\\.ts$', [
      '^src/(adapters|config|core|http|run|shared|telemetry)/',
      '^src/(connections|live-report|log-and-traces|notifications|parts|wishes)\\.ts$',
    ]),
    onlyOrNode('main', '^src/main\\.ts$', ['^src/cli/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
