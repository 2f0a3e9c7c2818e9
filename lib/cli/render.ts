import { styleText } from 'node:util';
import { printable } from '../diagnostics/printable.js';
import type { ConfigurationReport } from '../introspection/verify-configuration.js';
import type { TokenReport } from './token-report.js';

/** The result of the command `check`. */
export interface Report {
  readonly configuration: ConfigurationReport;
  /** Report on the token; `undefined` without `--token`, or when the configuration does not work. */
  readonly token: TokenReport | undefined;
}

type Colour = Parameters<typeof styleText>[0];
type Paint = (colour: Colour, text: string) => string;

/** Formats the report of `check` as text for a person. */
export function render({ configuration, token }: Report, inColour: boolean): string {
  const paint: Paint = (colour, text) => (inColour ? styleText(colour, text, { validateStream: false }) : text);
  const lines = [
    ...renderConfiguration(configuration, paint),
    ...(token === undefined ? [] : renderToken(token, paint)),
  ];
  return lines.join('\n');
}

function renderConfiguration(report: ConfigurationReport, paint: Paint): string[] {
  const { problem, methodsSupported, latencyMs } = report;
  return [
    paint('bold', 'Configuration'),
    row('endpoint', report.endpoint ?? 'not found'),
    row('reachable', verdict(report.reachable, paint)),
    row('credentials accepted', verdict(report.credentialsAccepted, paint)),
    row('response valid', verdict(report.wellFormed, paint)),
    ...(latencyMs === undefined ? [] : [row('response time', `${Math.round(latencyMs)} ms`)]),
    ...(methodsSupported === undefined ? [] : [row('methods supported', printable(methodsSupported.join(', ')))]),
    ...report.warnings.map((warning) => `  ${paint('yellow', '!')} ${warning}`),
    ...(problem === undefined
      ? [`  ${paint('green', 'ok')}: tokens can be checked`]
      : [
          `  ${paint('red', problem.code)}${problem.detail === undefined ? '' : ` (${problem.detail})`}`,
          `  ${problem.remedy}`,
        ]),
  ];
}

function renderToken(report: TokenReport, paint: Paint): string[] {
  const outcome = report.status === 503 ? 'not checked' : 'rejected';
  const result = report.accepted
    ? paint('green', 'accepted')
    : paint('red', `${outcome}, ${report.status} (${report.reason})`);
  const unchecked = report.notChecked.length === 0 ? '' : `, NOT CHECKED: ${report.notChecked.join(', ')}`;
  return [
    '',
    paint('bold', 'Token'),
    row('a request with it', `${result}${report.accepted ? paint('yellow', unchecked) : ''}`),
    ...(report.expected === undefined ? [] : [row('expected', printable(report.expected))]),
    ...(report.received === undefined ? [] : [row('received', printable(report.received))]),
    ...(report.remedy === undefined ? [] : [`  ${report.remedy}`]),
    row('cached for', `${report.cachedForSeconds} s: ${report.cachedBecause}`),
    ...report.warnings.map((warning) => `  ${paint('yellow', '!')} ${warning}`),
    ...(report.auth === undefined
      ? []
      : [row(report.accepted ? 'req.auth' : 'response', ''), indent(printableJson(report.auth))]),
  ];
}

function row(name: string, value: string): string {
  return `  ${`${name}:`.padEnd(22)}${value}`.trimEnd();
}

function verdict(value: boolean | undefined, paint: Paint): string {
  if (value === undefined) return 'not known';
  return value ? paint('green', 'yes') : paint('red', 'no');
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}

/**
 * Formats a value as JSON for a terminal, with control characters escaped. Only the line breaks between the members stay, because JSON
 * escapes line breaks within strings.
 */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).split('\n').map(printable).join('\n');
}
