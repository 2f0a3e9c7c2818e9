import { styleText } from 'node:util';
import type { CaseReport, ProbeReport } from './run-cases.js';

type Colour = Parameters<typeof styleText>[0];

const WORDS = { ok: ['green', 'ok'], differs: ['red', 'DIFFERS'], skipped: ['yellow', 'skipped'] } as const;

const WIDTH = 8;

/** Formats the report of `probe` as text for a person. Cases that differ are explained. */
export function renderProbe({ url, requests, cases }: ProbeReport, inColour: boolean): string {
  const paint = (colour: Colour, text: string) =>
    inColour ? styleText(colour, text, { validateStream: false }) : text;
  const lines = cases.flatMap((report, index) => [
    ...(report.group === cases[index - 1]?.group ? [] : ['', paint('bold', report.group)]),
    ...renderCase(report, paint),
  ]);
  const count = (outcome: CaseReport['outcome']) => cases.filter((report) => report.outcome === outcome).length;
  const total = `${count('ok')} ok, ${count('differs')} differ, ${count('skipped')} skipped, with ${requests} requests`;
  return [paint('bold', url), ...lines, '', total].join('\n');
}

function renderCase(report: CaseReport, paint: (colour: Colour, text: string) => string): string[] {
  const [colour, word] = WORDS[report.outcome];
  const line = `  ${paint(colour, word.padEnd(WIDTH))}${report.title}`;
  if (report.outcome === 'ok') return [line];
  if (report.outcome === 'skipped') return [`${line}: ${report.saw}`];
  return [
    `${line} (${report.id})`,
    `          saw:    ${report.saw}`,
    `          ${report.section}: ${report.rule}`,
    `          change: ${report.remedy}`,
  ];
}
