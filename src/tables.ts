import type { TableSpec } from './database/tables';
import { changeTables } from './kernel/changes';
import { receiptTables } from './kernel/receipts';
import { tablesOf } from './kernel/registry';
import { usageTables } from './kernel/usage';
import { ledgerTables } from './legacy/ledger';
import './resolvers';

/** All tables of the database: those of the object types, and those that the server keeps for itself. */
export const allTables = (): TableSpec[] => [
  ...tablesOf(),
  ...changeTables,
  ...usageTables,
  ...receiptTables,
  ...ledgerTables,
];
