import { pino, type DestinationStream, type Logger } from 'pino';

/** The log: lines of JSON, in which no secret stands, and nothing that callers sent or the database keeps. */
export const createLog = (level: string, to?: DestinationStream): Logger =>
  pino({ level, redact: ['*.password', '*.secret_key', '*.jwt'], serializers: { err: told } }, to);

/** What errors of databases carry beside those of others. */
interface Failure extends Error {
  code?: unknown;
  errno?: unknown;
  sqlState?: unknown;
  sql?: unknown;
  /** Of one by Sequelize: what the driver said. */
  parent?: Failure;
}

/** An error as the log tells it: those of databases hold values, apart, in their statements, and in their texts. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const failure: Failure = error;
  const { name: type, message, stack = '', cause, sql } = failure;
  const { code, errno, sqlState } = failure.parent ?? failure;
  const isStatement = typeof sql === 'string';
  return {
    type,
    message: isStatement ? withoutValues(message.replace(/\nsql: .*/s, '')) : message,
    ...{ code, errno, sqlState },
    ...(isStatement && { sql: withoutValues(sql) }),
    ...(cause !== undefined && { cause: told(cause) }),
    // Its lines alone: before them stands the message once more.
    stack: stack.slice(Math.max(0, stack.indexOf('\n    at '))),
  };
}

/** Texts that stand in a statement, be it cut off within one. */
const withoutValues = (text: string): string => text.replace(/'(?:[^'\\]|\\.|'')*(?:'|$)/gs, "'…'");
