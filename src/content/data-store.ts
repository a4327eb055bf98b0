import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { CommonEntity, Entity } from '../kernel/entity';

@Entity({
  table: 'data_store',
  doc: 'A text, HTML or JSON value under a code: of one object, of an account, or, without an account, of everybody.',
  tenant: 'shared',
  access: { read: 'anonymous', create: 'administrator', update: 'administrator', remove: 'administrator' },
})
export class DataStore extends CommonEntity {
  @Ref('account', {
    inverse: 'dataStores',
    write: 'server',
    onRemove: 'restrict',
    doc: 'Id of the account that the value is for; none: for every account.',
  })
  declare accountId: number | null;

  @Attr.string({ max: 100, index: true, search: true, doc: 'The code by which the value is asked for.' })
  declare code: string | null;

  @Attr.anyType({ nullable: true, doc: 'Type of the only object that the value is for, such as `event`.' })
  declare forType: string | null;

  @Attr.anyId({
    typeAttribute: 'forType',
    nullable: true,
    onRemove: 'cascade',
    doc: 'Id of the only object that the value is for.',
  })
  declare forId: number | null;

  @Attr.string({ max: 100, doc: 'Which of the three holds the value: `text`, `html` or `json`.' })
  declare type: string | null;

  @Attr.longtext({ doc: 'The value as plain text.' })
  declare text: string | null;

  @Attr.longtext({ doc: 'The value as HTML.' })
  declare html: string | null;

  @Attr.json({ doc: 'The value as JSON.' })
  declare json: unknown;
}

@Resolver(() => DataStore)
export class DataStoreResolver extends CrudResolver(DataStore) {}
