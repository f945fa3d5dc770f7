import { PROBLEMS, type Problem, type ProblemCode } from '../shared/problem.ts';
import { plainProblem } from './render-problems.ts';
import { VERSION } from './version.ts';

/** Findings in SARIF 2.1.0 (OASIS), which code scanning of GitHub and others take. */
export function renderSarif(problems: readonly Problem[]): string {
  const codes = [...new Set(problems.map(({ code }) => code))].sort();
  const driver = { name: 'poolkeeper', version: VERSION, rules: codes.map(ruleOf) };
  const results = problems.map((problem) => resultOf(problem, codes));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

const ruleOf = (code: ProblemCode): object => ({
  id: code,
  help: { text: PROBLEMS[code].remedy },
  defaultConfiguration: { level: PROBLEMS[code].severity },
});

function resultOf(problem: Problem, codes: readonly ProblemCode[]): object {
  const { file, line, column, path, severity, message, remedy } = plainProblem(problem);
  const physicalLocation = {
    artifactLocation: { uri: file.split(/[\\/]/).map(encodeURIComponent).join('/') },
    region: { startLine: line, startColumn: column },
  };
  const logicalLocations = path === '' ? {} : { logicalLocations: [{ fullyQualifiedName: path }] };
  return {
    ruleId: problem.code,
    ruleIndex: codes.indexOf(problem.code),
    level: severity,
    message: { text: `${message}. ${remedy}` },
    // What the API server does not answer has no place.
    locations: problem.where === undefined ? [] : [{ physicalLocation, ...logicalLocations }],
  };
}
