import DataLoader from 'dataloader';
import type { Database } from '../database/database';
import type { Attribute } from '../kernel/attributes';
import { entityOf, type Entity } from '../kernel/entity';
import { targetsOf } from '../kernel/registry';
import { readers } from '../kernel/stored';
import type { Problem } from './problems';

/** Values of a row by attribute name, as the table has them. */
export interface RawRow {
  $pk: number;
  [name: string]: unknown;
}

/** What a reference should hold, what it does hold, and what is wrong with that. */
export interface Settled {
  value: unknown;
  held: unknown;
  problem?: Problem;
}

/** Chains of rows that are taken from one another are short; one that is not runs in a circle. */
const maxDepth = 10;
const maxBatch = 500;

export const isReference = ({ ref, any }: Attribute): boolean => ref !== undefined || any !== undefined;

/** Judges the references of some rows; remembers every row that it met, and so lives as long as one page. */
export class References {
  private readonly loaders = new Map<string, DataLoader<number, RawRow | null>>();

  constructor(
    private readonly database: Database,
    /** The types that have a table. */
    private readonly there: readonly Entity[],
  ) {}

  /** The value that follows from the row's parent wins, and counts as it will be when that is repaired itself. */
  async settle(entity: Entity, row: RawRow, attribute: Attribute, depth = 0): Promise<Settled> {
    // In old tables 0 refers to nothing.
    const held = row[attribute.name] === 0 ? null : (row[attribute.name] ?? null);
    const said = depth < maxDepth ? await this.parentSays(entity, row, attribute, depth) : undefined;
    if (said !== undefined && said !== held && (said !== null || attribute.nullable))
      return { value: said, held, problem: 'contradiction' };
    if (held === null) return { value: null, held, problem: attribute.nullable ? undefined : 'missing' };

    const type = typeOf(row, attribute);
    if (type === undefined || !this.isThere(type)) return { value: held, held };
    // A key or a switch without its account would open every account.
    const mayGo = attribute.nullable && said === undefined && attribute.name !== 'accountId';
    if (readers.ref(held) === undefined) return { value: mayGo ? null : held, held, problem: 'unreadable' };
    const target = await this.load(type, held as number);
    if (!target) return { value: mayGo ? null : held, held, problem: 'dangling' };
    const [here, there] = [accountOf(entity, row), accountOf(entityOf(type), target)];
    const elsewhere = attribute.name !== 'accountId' && here != null && there != null && here !== there;
    return { value: held, held, problem: elsewhere ? 'elsewhere' : undefined };
  }

  /** What is taken from the row that another reference names; undefined when nothing is. */
  private async parentSays(
    entity: Entity,
    row: RawRow,
    attribute: Attribute,
    depth: number,
  ): Promise<unknown> {
    const via = entity.attributes.get(attribute.ref?.through ?? '');
    if (!via) return undefined;
    const { value: pk } = await this.settle(entity, row, via, depth + 1);
    const type = typeOf(row, via);
    if (type === undefined || !this.isThere(type) || readers.ref(pk) === undefined) return undefined;
    const parent = await this.load(type, pk as number);
    if (!parent) return undefined;
    if (via.any?.also?.[type] === attribute.name) return pk;
    const same = entityOf(type).byColumn.get(attribute.column);
    if (!same || same.sql) return null;
    if (!this.database.keeps(type, same.column)) return undefined;
    const { value, held, problem } = await this.settle(entityOf(type), parent, same, depth + 1);
    // What is wrong there and stays so is no example.
    return problem !== undefined && value === held ? undefined : value;
  }

  private readonly isThere = (type: string): boolean => this.there.some(({ table }) => table === type);

  private load(type: string, pk: number): Promise<RawRow | null> {
    let loader = this.loaders.get(type);
    if (!loader) {
      loader = new DataLoader((pks) => this.read(entityOf(type), pks), { maxBatchSize: maxBatch });
      this.loaders.set(type, loader);
    }
    return loader.load(pk);
  }

  private async read(entity: Entity, pks: readonly number[]): Promise<(RawRow | null)[]> {
    const attributes = [...entity.attributes.values()].filter(
      (each) => !each.sql && (isReference(each) || each.kind === 'anyType'),
    );
    const columns = attributes.map(({ name, column }) => `, t.\`${column}\` AS \`${name}\``).join('');
    const rows = await this.database.select<RawRow>(
      `SELECT t.id AS \`$pk\`${columns} FROM \`${entity.table}\` t WHERE t.id IN (${pks.map(() => '?').join()})`,
      pks,
    );
    const found = new Map(rows.map((row) => [row.$pk, row]));
    return pks.map((pk) => found.get(pk) ?? null);
  }
}

/** The type that a reference of the row leads to; undefined when the row names none that it may. */
function typeOf(row: RawRow, attribute: Attribute): string | undefined {
  const { ref, any } = attribute;
  if (ref) return ref.type;
  const named = row[any?.typeAttribute ?? ''];
  return targetsOf(attribute).find(({ table }) => table === named)?.table;
}

const accountOf = ({ tenant }: Entity, row: RawRow): unknown =>
  tenant === 'self' ? undefined : row.accountId;
