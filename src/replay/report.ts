import type { Difference } from './compare';

/** Everything of one kind, with the calls that it was seen in. */
export interface Group {
  what: string;
  /** In so many answers. */
  count: number;
  at: Sighting[];
}

/** Where it was seen: the first time of a call and place in full. */
interface Sighting {
  call: string;
  place: string;
  count: number;
  /** Of the recording. */
  line: number;
  was?: unknown;
  is?: unknown;
}

/** More are only counted. */
const maxGroups = 1000;
const maxSightings = 100;

/** Sums up differences, in bounded memory whatever there is of them. */
export class Report {
  calls = 0;
  same = 0;
  /** Requests that were not to be sent. */
  left = 0;
  /** Those that could not be, by the reason. */
  readonly skipped = new Map<string, number>();
  /** Answers of which only status and headers were compared. */
  unknown = 0;
  private readonly groups = new Map<string, Group>();

  skip(reason: string): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }

  add(line: number, call: string, differences: readonly Difference[]): void {
    this.calls += 1;
    if (differences.length === 0) this.same += 1;
    const seen = new Set<unknown>();
    for (const { what, ...difference } of differences) {
      const group = this.groupOf(what);
      const { place } = difference;
      let sighting = group.at.find((each) => each.call === call && each.place === place);
      if (!sighting && group.at.length < maxSightings)
        group.at.push((sighting = { call, line, count: 0, ...difference }));
      // Each record of a list has it: that is one answer.
      if (!seen.has(group)) group.count += 1;
      if (sighting && !seen.has(sighting)) sighting.count += 1;
      seen.add(group).add(sighting);
    }
  }

  private groupOf(what: string): Group {
    const name = this.groups.has(what) || this.groups.size < maxGroups ? what : 'something else differs';
    const group = this.groups.get(name) ?? { what: name, count: 0, at: [] };
    this.groups.set(name, group);
    return group;
  }

  /** What differs, most often first. */
  get differences(): Group[] {
    return [...this.groups.values()].sort((a, b) => b.count - a.count);
  }

  /** Is everything as it was, of all that was recorded? */
  get clean(): boolean {
    return this.groups.size === 0 && this.skipped.size === 0;
  }

  /** For people. */
  text(examples: number): string {
    const { calls, same, left, skipped, unknown } = this;
    return [
      ...this.differences.flatMap(({ what, count, at }) => [
        `${what}: in ${String(count)} ${count === 1 ? 'answer' : 'answers'}`,
        ...at
          .slice(0, examples)
          .flatMap((sighting) => [
            `  ${sighting.call}  ${sighting.place}  ${String(sighting.count)} x, first in line ${String(sighting.line)}`,
            ...('was' in sighting || 'is' in sighting
              ? [`    ${shown(sighting.was)} -> ${shown(sighting.is)}`]
              : []),
          ]),
        ...(at.length > examples ? [`  and ${String(at.length - examples)} more places`] : []),
      ]),
      ...[...skipped].map(([reason, count]) => `not replayed: ${String(count)} x ${reason}`),
      ...(left > 0 ? [`left out: ${String(left)} calls that may change something`] : []),
      ...(unknown > 0
        ? [
            `${String(unknown)} answers were recorded without their body: only status and headers were compared`,
          ]
        : []),
      `${String(calls)} calls were replayed: ${String(same)} were answered the same, ${String(calls - same)} were not.`,
    ].join('\n');
  }
}

const maxShown = 120;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}
