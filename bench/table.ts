import type { Stats } from './child';
import type { Figures, Name, Results } from './measure';

const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);

/** The results in Markdown. */
export function tableOf(results: Results, ends: Record<Name, Stats>): string {
  const lines = [
    '| case | program | requests/s | p50 ms | p99 ms | CPU µs/request | SQL/request |',
    '|---|---|--:|--:|--:|--:|--:|',
  ];
  for (const [{ title, floor }, { ours, byHand }] of results) {
    const goal = floor === undefined ? '' : ` (floor ${floor.toFixed(2)})`;
    lines.push(
      line(title, 'ours', figures(ours)),
      line('', 'by hand', figures(byHand)),
      line('', '**ratio**', [
        `**${ratio(ours.perSecond, byHand.perSecond)}**${goal}`,
        ratio(ours.p50, byHand.p50),
        ratio(ours.p99, byHand.p99),
        ratio(ours.cpu, byHand.cpu),
        ratio(ours.statements, byHand.statements),
      ]),
    );
  }
  const memory = `Memory at the end (RSS): ours ${megabytes(ends.ours.rss)} MB, by hand ${megabytes(ends.byHand.rss)} MB.`;
  return `${lines.join('\n')}\n\n${memory}\n`;
}

const line = (title: string, program: string, cells: string[]): string =>
  `| ${[title, program, ...cells].join(' | ')} |`;

const figures = ({ perSecond, p50, p99, cpu, statements }: Figures): string[] => [
  perSecond.toFixed(0),
  p50.toFixed(1),
  p99.toFixed(1),
  cpu.toFixed(0),
  statements.toFixed(2),
];

const ratio = (a: number, b: number): string => (a / b).toFixed(2);
