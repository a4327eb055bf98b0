import { stringify } from 'csv-stringify/sync';

/** What a program called, as REST spells it. */
interface Use extends Record<string, unknown> {
  operation: { name: string } | null;
  days: { day: string; status: string; calls: number }[];
}

const columns = [
  ...['day', 'route', 'type', 'generation', 'status', 'calls'],
  ...['key_id', 'key_name', 'account_id', 'client', 'client_version'],
  ...['last_on', 'replacement', 'operation'],
];

/** A line for each program, route, day and way in which it went. No cell is a formula, whatever programs call themselves. */
export function usageCsv({ uses }: { uses: Use[] }): string {
  const rows = uses.flatMap(({ days, operation, ...use }) =>
    days.map((day) => ({ ...use, ...day, operation: operation?.name })),
  );
  return stringify(rows, { header: true, columns, escape_formulas: true, record_delimiter: 'windows' });
}
