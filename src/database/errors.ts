import { BaseError, ConnectionError, ValidationError } from 'sequelize';
import { AetherError, invalid, unavailable } from '../kernel/errors';
import { SqliteError } from './sqlite-handle';

/** What a driver says, of either database, in MariaDB's numbers. */
interface Complaint {
  number: number;
  /** Columns that it is about; none when the driver does not say. */
  columns: string[];
  /** Name of the index or table that it is about. */
  name?: string;
}

/**
 * Turns an error of Sequelize, of the MariaDB connector or of SQLite into ours; undefined when it has no meaning for a caller
 * (a syntax error is a bug here). What it says never holds SQL, or values of other rows. `fields` are keyed by column.
 */
export function translateDatabaseError(error: unknown): AetherError | undefined {
  if (error instanceof AetherError) return error;
  const driver = driverError(error);
  const complaint = complaintOf(driver);
  if (complaint) return meaning(complaint, error);
  if (isUnreachable(error, driver)) return unavailable('The database cannot be reached.', 2, error);
  if (error instanceof ValidationError)
    return invalid(Object.fromEntries(error.errors.map(({ path, message }) => [path ?? '', message])));
  return undefined;
}

/** True when the same transaction may succeed if it is run again: a deadlock or a lock timeout. */
export function isLockConflict(error: unknown): boolean {
  const number = complaintOf(driverError(error))?.number;
  return number === 1213 || number === 1205;
}

interface DriverError {
  message?: string;
  code?: string;
  errno?: number;
  sqlState?: string;
  sqlMessage?: string | null;
  fatal?: boolean;
}

function driverError(error: unknown): DriverError {
  if (error instanceof AetherError) return driverError(error.originalError);
  if (error instanceof BaseError && 'parent' in error) return driverError(error.parent);
  return typeof error === 'object' && error !== null ? error : {};
}

function complaintOf(driver: DriverError): Complaint | undefined {
  if (driver instanceof SqliteError) return sqliteComplaint(driver);
  const { errno } = driver;
  if (errno === undefined || !(errno in meanings)) return undefined;
  return { number: errno, ...mariadbDetails(errno, driver.sqlMessage ?? '') };
}

function isUnreachable(error: unknown, { code, sqlState, fatal, message }: DriverError): boolean {
  if (error instanceof ConnectionError || fatal === true || sqlState?.startsWith('08') === true) return true;
  if (code !== undefined && /^(?:ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|ERR_INVALID_STATE)/.test(code))
    return true;
  return /pool is draining|after the connection manager was closed|connection is closed/.test(message ?? '');
}

/* ---- what the numbers mean ---- */

const wrongValue = (text: string) => (complaint: Complaint) => {
  const { columns, number: databaseCode } = complaint;
  const fields = Object.fromEntries(columns.map((column) => [column, text]));
  const message = columns.length > 0 ? `${columns.join(', ')}: ${text}` : `A value ${text}.`;
  return new AetherError('VALIDATION', message, { ...(columns.length > 0 && { fields }), databaseCode });
};

const schema = (what: string) => (complaint: Complaint, cause: unknown) =>
  new AetherError(
    'DATABASE_SCHEMA',
    `There is no ${what} "${complaint.name ?? ''}".`,
    { databaseCode: complaint.number },
    cause,
  );

const busy =
  (text: string) =>
  ({ number }: Complaint, cause: unknown) =>
    new AetherError('UNAVAILABLE', text, { retryAfter: 1, databaseCode: number }, cause);

const meanings: Record<number, (complaint: Complaint, cause: unknown) => AetherError> = {
  1062: ({ columns, name, number }) => {
    const key = columns.length > 0 ? columns.join(', ') : `key "${name ?? ''}"`;
    const fields = Object.fromEntries(columns.map((column) => [column, 'is already taken']));
    return new AetherError('DATABASE_DUPLICATE', `There is already a row with the same ${key}.`, {
      ...(columns.length > 0 && { fields }),
      databaseCode: number,
    });
  },
  1451: ({ name, number }) =>
    new AetherError(
      'DATABASE_CONSTRAINT',
      `The row is still used by ${name ? `rows of "${name}"` : 'other rows'}.`,
      {
        databaseCode: number,
      },
    ),
  1452: ({ columns, number }) =>
    new AetherError(
      'DATABASE_CONSTRAINT',
      `${columns.length > 0 ? columns.join(', ') : 'A reference'} points to a row that does not exist.`,
      { databaseCode: number },
    ),
  1054: schema('column'),
  1146: schema('table'),
  1048: wrongValue('must not be null'),
  1364: wrongValue('has no default value and must be given'),
  1406: wrongValue('is too long'),
  1264: wrongValue('is out of range'),
  1690: wrongValue('is out of range'),
  1265: wrongValue('is not a value of this column'),
  1292: wrongValue('is not a value of this column'),
  1366: wrongValue('is not a value of this column'),
  4025: wrongValue('is not valid'),
  // Character sets that have nothing in common.
  1267: wrongValue('cannot be compared with what is stored'),
  1270: wrongValue('cannot be compared with what is stored'),
  // A trigger of the database's own.
  1644: wrongValue('is refused by a rule of the database'),
  1205: busy('The database is busy with other changes to the same rows.'),
  1213: busy('The database is busy with other changes to the same rows.'),
  // Too many connections, by server and by user; a server going down, read-only or out of time.
  1040: busy('The database has too many connections.'),
  1203: busy('The database has too many connections.'),
  1053: busy('The database is shutting down.'),
  1290: busy('The database does not take changes now.'),
  1969: busy('The database took too long.'),
};

const meaning = (complaint: Complaint, cause: unknown): AetherError | undefined =>
  meanings[complaint.number]?.(complaint, cause);

/* ---- what MariaDB's texts tell ---- */

/** Later matches win: a value that the caller sent comes before the name, and may look like one. */
const lastMatch = (text: string, pattern: RegExp): string | undefined =>
  [...text.matchAll(pattern)].at(-1)?.[1];

function mariadbDetails(number: number, text: string): Omit<Complaint, 'number'> {
  switch (number) {
    case 1062: {
      const key = lastMatch(text, /for key '(?:[^'.]*\.)?([^']*)'/g) ?? '';
      return { columns: key === 'PRIMARY' ? ['id'] : columnsOfIndex(key), name: key };
    }
    case 1451:
      return { columns: [], name: lastMatch(text, /\(`[^`]*`\.`([^`]*)`, CONSTRAINT/g) };
    case 1452:
      return { columns: (lastMatch(text, /FOREIGN KEY \(([^)]*)\)/g) ?? '').replaceAll('`', '').split(', ') };
    case 1054:
      return { columns: [], name: lastMatch(text, /Unknown column '([^']*)'/g) };
    case 1146:
      return { columns: [], name: lastMatch(text, /Table '(?:[^'.]*\.)?([^']*)'/g) };
    case 4025:
      return oneColumn(lastMatch(text, /CONSTRAINT `(?:[^`]*\.)?([^`]*)` failed/g));
    default:
      return oneColumn(lastMatch(text, /(?:column|field) (?:`[^`]*`\.`[^`]*`\.)?[`']([^`']+)[`']/gi));
  }
}

const oneColumn = (column?: string) => ({ columns: column === undefined ? [] : [column] });

/** Indexes are named by their columns; those made by others tell nothing. See `indexName` in tables.ts. */
const columnsOfIndex = (name: string): string[] => (name.startsWith('uq_') ? name.split('__').slice(1) : []);

/* ---- what SQLite's texts tell ---- */

function sqliteComplaint(error: SqliteError): Complaint | undefined {
  const { extended, sql = '' } = error;
  const text = error.message.slice(error.message.indexOf(': ') + 2);
  const failed = (text.split('failed: ')[1] ?? '').trim();
  switch (extended) {
    case 2067: // UNIQUE
    case 1555: // PRIMARYKEY
    case 2579: // ROWID
      return { number: 1062, columns: failed.split(', ').map((name) => name.replace(/^.*\./, '')) };
    case 787: // FOREIGNKEY, which does not say which
      return { number: /^\s*DELETE/i.test(sql) ? 1451 : 1452, columns: [] };
    case 1299: // NOTNULL
      return { number: 1048, columns: [failed.replace(/^.*\./, '')] };
    case 275: // CHECK; ours are named by the number that MariaDB gives, and the column
      return {
        number: Number(/^(\d{4}) /.exec(failed)?.[1] ?? 4025),
        ...oneColumn(/^\d{4} (.+)$/.exec(failed)?.[1]),
      };
  }
  if (error.code === 'SQLITE_BUSY') return { number: 1205, columns: [] };
  if (error.code === 'SQLITE_TOOBIG') return { number: 1406, columns: [] };
  if (error.code === 'SQLITE_MISMATCH') return { number: 1366, columns: [] };
  const table = /no such table: (?:main\.)?(.+)$/.exec(text)?.[1];
  if (table) return { number: 1146, columns: [], name: table };
  const column = /no such column: (?:.*\.)?(.+)$|has no column named (.+)$/.exec(text);
  if (column) return { number: 1054, columns: [], name: column[1] ?? column[2] };
  return undefined;
}
