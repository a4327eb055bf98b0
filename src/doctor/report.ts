import type { Progress } from './examine';
import { problems, type Finding, type Problem } from './problems';

/** All that was found of one kind in one column. */
export interface Group {
  table: string;
  column: string;
  problem: Problem;
  /** How many values, and of how many the repair follows by itself. */
  count: number;
  repairable: number;
  /** Keys (`id`) of the first rows. */
  examples: number[];
}

/** Sums up findings, in as much memory as there are columns. */
export class Report {
  private readonly groups = new Map<string, Group>();
  private readonly examined = new Map<string, number>();

  constructor(private readonly maxExamples: number) {}

  progress({ table, rows }: Progress): void {
    this.examined.set(table, rows);
  }

  /** Rows that were looked at. */
  get rows(): number {
    return [...this.examined.values()].reduce((sum, rows) => sum + rows, 0);
  }

  add(findings: Finding[]): void {
    for (const { table, pk, column, problem, repair } of findings) {
      const name = `${table}.${column} ${problem}`;
      let group = this.groups.get(name);
      if (!group)
        this.groups.set(name, (group = { table, column, problem, count: 0, repairable: 0, examples: [] }));
      group.count += 1;
      if (repair) group.repairable += 1;
      if (group.examples.length < this.maxExamples) group.examples.push(pk);
    }
  }

  get found(): Group[] {
    return [...this.groups.values()];
  }

  get count(): number {
    return this.found.reduce((sum, { count }) => sum + count, 0);
  }

  get repairable(): number {
    return this.found.reduce((sum, { repairable }) => sum + repairable, 0);
  }

  /** For people: a table, and what to do about what has no repair. */
  get text(): string {
    const head = ['COLUMN', 'PROBLEM', 'VALUES', 'REPAIR', 'ROWS'];
    const lines = this.found.map(({ table, column, problem, count, repairable, examples }) => [
      `${table}.${column}`,
      problems[problem][0],
      String(count),
      repairable === count ? 'yes' : repairable > 0 ? `${String(repairable)} of them` : 'no',
      `${examples.join(', ')}${count > examples.length ? ', …' : ''}`,
    ]);
    const widths = head.map((_, index) =>
      Math.max(...[head, ...lines].map((line) => (line[index] ?? '').length)),
    );
    const table = [head, ...lines].map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    const unsolved = new Set(
      this.found.filter(({ count, repairable }) => repairable < count).map(({ problem }) => problem),
    );
    const hints = [...unsolved].map((problem) => {
      const [what, hint = 'No repair follows: look at the row.']: readonly [string, string?] =
        problems[problem];
      return `${what}: ${hint}`;
    });
    return [...(lines.length > 0 ? [...table, ''] : []), ...hints].join('\n');
  }
}
