import type { Command } from 'commander';
import type { TranslationStep } from '../core/tags/translate-v1.ts';
import { problemText } from '../shared/problem.ts';
import { type CommandContext, type OutputFormat, writeJson, writeProblems } from './command-context.ts';
import { addConfigOptions, readConfig } from './config-options.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { inputText } from './input-text.ts';
import { outputOption } from './output-option.ts';
import { renderTable } from './render-table.ts';
import type { TranslatedService } from './translate-spec.ts';

interface RoutesFlags {
  readonly translate: string;
  readonly output: OutputFormat;
}

const HELP = `
Nothing but that file and the configuration is read; neither a repository nor a cluster has to be configured.
Exits with 1 when a tag has no translation, or cannot be read. docs/traefik.md tells what becomes of each.

Examples:
  poolkeeper routes --translate specs/web.yaml
  kubectl get service web -o yaml | poolkeeper routes --translate - --traefik-strict`;

/** What need not be configured, for it is not used. */
const UNUSED = { POOLKEEPER_CLUSTER: 'unused', POOLKEEPER_GIT_URL: '/unused' };

/** `routes`: what becomes of the Traefik 1 tags of a spec. */
export function addRoutesCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('routes')
    .description('Show what becomes of the Traefik 1 tags of a spec in Traefik 3.')
    .requiredOption('--translate <file>', 'a spec file, or - for standard input')
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action(async (flags: RoutesFlags) => context.exit(await showTranslation(command, context, flags)));
  addConfigOptions(command);
}

async function showTranslation(command: Command, context: CommandContext, { translate: file, output }: RoutesFlags): Promise<ExitCode> {
  const { specOfText, translateSpec } = await import('./translate-spec.ts');
  const { io } = context;
  const loaded = readConfig(command, { ...io, env: { ...UNUSED, ...io.env } });
  if (loaded.kind === 'invalid') {
    writeProblems(context, loaded.problems, output);
    return EXIT.config;
  }
  const text = await inputText(file, context);
  const decoded = specOfText(file, text, loaded.config);
  if (decoded.kind === 'broken') {
    writeProblems(context, decoded.problems, output);
    return EXIT.failed;
  }
  const services = translateSpec(decoded.spec, loaded.config);
  if (output === 'json') writeJson(context, { services });
  else
    io.stdout.write(services.length === 0 ? 'There is no Service in it.\n' : services.map((one) => renderService(one, context)).join('\n'));
  return services.some(hasErrors) ? EXIT.failed : EXIT.done;
}

const hasErrors = ({ problems }: TranslatedService): boolean => problems.some(({ severity }) => severity === 'error');

/** A table of what became what, what there is to tell, and the tags as Consul gets them. */
function renderService(translated: TranslatedService, { colors }: CommandContext): string {
  const { namespace, name, service, steps, problems, tags } = translated;
  const rows = steps.flatMap((step) => rowsOf(step));
  const color = { error: colors.red, warning: colors.yellow, note: (text: string) => text };
  const parts = [
    [`Service ${namespace}/${name}, Consul service ${service}`],
    rows.length === 0
      ? [translated.untranslated ?? 'No Traefik 1 tags to translate.']
      : renderTable(['TRAEFIK 1', 'CLASS', 'TRAEFIK 3'], rows),
    problems.map((one) => `${color[one.severity](one.severity)} ${problemText(one)}`),
    [hasErrors(translated) ? UNWRITTEN : 'Tags in Consul:', ...tags.map((tag) => `  ${tag}`)],
  ];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

const UNWRITTEN = 'Tags that would be in Consul; none is written while there are errors:';

/** One line for each tag that it became; the Traefik 1 tag stands on the first. */
function rowsOf({ tag, class: kind, becomes }: TranslationStep): readonly (readonly string[])[] {
  const [first = '–', ...others] = becomes;
  return [[tag, kind, first], ...others.map((other) => ['', '', other])];
}
