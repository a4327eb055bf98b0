import { Column, DataType, Model, Table } from 'sequelize-typescript';
import { Field, ID, Int, InterfaceType, ObjectType } from 'type-graphql';
import { GraphQLBoolean, GraphQLFloat, GraphQLString, type GraphQLScalarType } from 'graphql';
import type { IndexSpec } from '../database/tables';
import { Attr, attributesOf, snakeCase, type Attribute, type Kind, Ref } from './attributes';
import type { Level } from './levels';
import { DateTime, JsonValue, SafeInt } from './scalars';

/** Anything that has a public id. */
@InterfaceType({ description: 'Any object that has an id of its own.', autoRegisterImplementations: false })
export abstract class Node {
  @Field(() => ID, { description: 'The public id: opaque, 11 to 22 URL-safe characters.' })
  id!: string;
}

/** Who may do what with the objects of a type. The caller's account is always the outer limit. */
export interface Access {
  /** Level from which the type may be read at all. */
  read: Level;
  /**
   * Where the owner stands: `personId`, through a reference `journalId.personId`, or the person's id in the membership system,
   * `externalPersonId`. Below `readAll`, only own rows are seen.
   */
  own?: string;
  /** Level from which rows of others are seen; needed with `own`. */
  readAll?: Level;
  /** Level from which rows of others are changed and removed, where it is not `readAll`. */
  writeAll?: Level;
  /** What owners make and change, where it is not just any of the type; for readers. */
  doc?: string;
  /** What an owner may change below `writeAll`; left out: all that the type has, and its removal. */
  ownEdits?: OwnEdits;
  /**
   * A reference: whoever has come by the passcode of what it leads to reads and writes the objects that lead there, whatever their
   * level, and deletes none for good.
   */
  holder?: string;
  /** Level from which the objects are listed; below it one is read by id, or found by `search`. Default: `read`. */
  list?: Level;
  /**
   * Below this level `q` needs a word of so many letters, and finds so many rows at most; who names one by such an attribute needs no
   * words.
   */
  search?: { below: Level; letters: number; rows: number; named: readonly string[] };
  /** One that is named is also told to a caller who says that it has no account: to whom it tells which. */
  withoutAccount?: boolean;
  /** Rows for which this SQL over the row is true are invisible below the level; `what` they are, in the plural. */
  hidden?: { below: Level; what: string; where: (table: string) => string };
  /** `never`: the server alone does it, and the graph has no such operation. */
  create: Level | 'never';
  update: Level | 'never';
  /** Level of a hard delete; hiding and disabling need `update`. */
  remove: Level | 'never';
}

/**
 * Attributes that an owner may change of an object: the defaults, as settings of another object change them. The settings are a
 * list of column names, which stands in place of the defaults, or say of a column whether it is among them: `{ "phone": true }`.
 */
export interface OwnEdits {
  defaults: readonly string[];
  /** What settings may add. */
  grantable?: readonly string[];
  /** Where the settings stand: under `key` in a JSON attribute of what a reference leads to. */
  settings: { through: string; attribute: string; key: string };
}

export interface EntityOptions {
  /** Table and type name in snake_case. */
  table: string;
  /** Name in the graph in the plural, when it is not the singular and an s. */
  plural?: string;
  /**
   * How a row knows its account: by `account_id` (`row`), by being one (`self`), or not always: rows without an account are the
   * platform's own (`optional`), or everybody's to read and super's to write (`shared`).
   */
  tenant?: 'row' | 'self' | 'optional' | 'shared';
  access: Access;
  /** Indexes beside those of the account, the references and unique attributes. */
  indexes?: IndexSpec[];
}

export type EntityClass = typeof Model & (new () => Model);

/** All that is known of one object type. */
export interface Entity extends Required<Pick<EntityOptions, 'table' | 'tenant' | 'indexes' | 'access'>> {
  type: EntityClass;
  /** `EventSession`. */
  name: string;
  /** `eventSession`, `eventSessions`: the names of the root fields. */
  single: string;
  plural: string;
  description: string;
  attributes: Map<string, Attribute>;
  /** Attributes by column name: the spelling of REST and the database. */
  byColumn: Map<string, Attribute>;
}

const entities = new Map<string, Entity>();

/** Every declared type, by table name, in the order of declaration. */
export const allEntities = (): Entity[] => [...entities.values()];

/** @throws Error when nothing of that name was declared: a mistake in a declaration. */
export function entityOf(table: string): Entity {
  const entity = entities.get(table);
  if (!entity) throw new Error(`no entity is declared for "${table}"`);
  return entity;
}

export const findEntity = (table: string): Entity | undefined => entities.get(table);

/** Declares the class as an object type: its table, its graph type, and who may use it. */
export function Entity(options: EntityOptions & { doc: string }): ClassDecorator {
  return (target) => {
    const type = target as unknown as EntityClass;
    const name = target.name;
    const single = name.charAt(0).toLowerCase() + name.slice(1);
    const attributes = new Map(attributesOf(type).map((attribute) => [attribute.name, attribute]));
    const entity: Entity = {
      type,
      name,
      single,
      plural: options.plural ?? `${single}s`,
      description: options.doc,
      table: options.table,
      tenant: options.tenant ?? 'row',
      access: options.access,
      indexes: options.indexes ?? [],
      attributes,
      byColumn: new Map([...attributes.values()].map((attribute) => [attribute.column, attribute])),
    };
    if (options.table !== snakeCase(name).slice(1)) throw new Error(`${name} is not table ${options.table}`);
    entities.set(options.table, entity);
    defineModel(entity);
    defineObject(entity);
  };
}

/** What sequelize-typescript's decorators are; they declare themselves as any function. */
type Decorate = (target: object, property?: string) => void;

/** The Sequelize model, used for writes. */
function defineModel({ type, table, attributes }: Entity): void {
  const prototype = type.prototype as object;
  const column = (options: object) => Column(options) as Decorate;
  column({ type: DataType.INTEGER, primaryKey: true, autoIncrement: true, field: 'id' })(prototype, 'pk');
  for (const { name, kind, column: field, sql, max } of attributes.values())
    if (!sql) column({ type: sequelizeType(kind, max), field })(prototype, name);
  const options = { tableName: table, modelName: type.name, timestamps: false, freezeTableName: true };
  (Table(options) as Decorate)(type);
}

function sequelizeType(kind: Kind, max?: number) {
  switch (kind) {
    case 'int':
    case 'ref':
    case 'anyId':
      return DataType.INTEGER;
    case 'bigint':
      return DataType.BIGINT;
    case 'float':
      return DataType.DOUBLE;
    case 'decimal':
      return DataType.DECIMAL;
    case 'bool':
      return DataType.BOOLEAN;
    case 'datetime':
      // Text, as the database keeps it: Sequelize would take it for the local time of the server.
      return DataType.STRING(23);
    case 'text':
    case 'longtext':
    case 'json':
      return DataType.TEXT;
    default:
      return DataType.STRING(max);
  }
}

/** The graph type: every attribute is a plain property of the row, so that no resolver runs for it. */
function defineObject({ type, name, description, attributes }: Entity): void {
  for (const attribute of attributes.values()) {
    if (attribute.read === 'never') continue;
    Field(() => graphType(attribute.kind), {
      nullable: !isAlwaysThere(attribute),
      description: describe(attribute),
      simple: true,
    })(type.prototype as object, attribute.name);
  }
  ObjectType(name, { description, implements: Node, simpleResolvers: true })(type);
}

/** Old tables hold nothing where we would not have it: only ids and the common switches can be promised. */
const isAlwaysThere = ({ kind, nullable, read }: Attribute): boolean =>
  kind === 'id' || (kind === 'bool' && !nullable && read === undefined);

export function graphType(kind: Kind): GraphQLScalarType {
  const types: Partial<Record<Kind, GraphQLScalarType>> = {
    id: ID,
    ref: ID,
    anyId: ID,
    int: Int,
    bigint: SafeInt,
    float: GraphQLFloat,
    decimal: GraphQLFloat,
    datetime: DateTime,
    json: JsonValue,
  };
  return types[kind] ?? (kind === 'bool' ? GraphQLBoolean : GraphQLString);
}

function describe({ doc, read, mask }: Attribute): string {
  if (read === undefined) return doc;
  return `${doc} ${mask ? 'Masked' : 'Null'} below level ${read}.`;
}

/** What every object type has, and nothing more: for links and other small tables. */
export abstract class BaseEntity extends Model {
  @Attr.id({ doc: 'The public id: opaque, 11 to 22 URL-safe characters.' })
  declare id: string;

  @Attr.datetime({ doc: 'When the object was created; set by the server.', write: 'server' })
  declare createdOn: Date | null;

  @Attr.datetime({ doc: 'When the object last changed; set by the server.', write: 'server' })
  declare updatedOn: Date | null;
}

/** The columns that nearly every table shares. */
export abstract class CommonEntity extends BaseEntity {
  @Attr.string({ max: 100, doc: 'A short code, for people and other systems.' })
  declare code: string | null;

  @Attr.string({ search: true, doc: 'Name or title.' })
  declare name: string | null;

  @Attr.text({ doc: 'Description.' })
  declare description: string | null;

  @Attr.bool({ default: true, nullable: false, doc: 'False: switched off; lists leave it out unless asked.' })
  declare enable: boolean;

  @Attr.bool({ default: false, nullable: false, doc: 'True: hidden; lists leave it out unless asked.' })
  declare hide: boolean;

  @Attr.bool({ default: false, nullable: false, doc: 'True: comes first in the usual order.' })
  declare priority: boolean;

  @Attr.int({ doc: 'Position in the usual order, lowest first, none last.' })
  declare sort: number | null;

  @Attr.string({ max: 100, doc: 'A free grouping key.' })
  declare group: string | null;

  @Attr.text({ read: 'authenticated', doc: 'Notes of the staff.' })
  declare notes: string | null;

  @Attr.json({ doc: 'Free settings.' })
  declare cfgJson: unknown;

  @Attr.json({ doc: 'Free data.' })
  declare dataJson: unknown;

  @Attr.json({ doc: 'A free list of links to other things.' })
  declare linkedLiJson: unknown;

  @Attr.string({ max: 100, index: true, doc: 'Id of this object in another system.' })
  declare externalId: string | null;

  @Attr.datetime({ doc: 'When the object is to be archived.' })
  declare archiveOn: Date | null;

  @Attr.text({ write: 'server', doc: 'The text that `q` searches, kept by the server.' })
  declare defaultQryStr: string | null;
}

/** A type whose rows belong to an account. */
export abstract class TenantEntity extends CommonEntity {
  @Ref('account', {
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that owns this object.',
  })
  declare accountId: number;
}
