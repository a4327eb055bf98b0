import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'journal',
  doc: 'A diary or notebook of one person.',
  access: {
    read: 'authenticated',
    own: 'personId',
    readAll: 'administrator',
    create: 'authenticated',
    update: 'authenticated',
    remove: 'administrator',
  },
})
export class Journal extends TenantEntity {
  @Ref('account', {
    inverse: 'journals',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that the journal is kept in.',
  })
  declare accountId: number;

  @Ref('person', { doc: 'Id of the person who keeps the journal.' })
  declare personId: number | null;

  @Attr.string({ max: 100, doc: 'What kind of journal it is.' })
  declare typeCode: string | null;

  @Attr.string({ read: 'never', doc: 'Digest of the passcode that opens the journal, made by the client.' })
  declare passcodeHash: string | null;

  @Attr.bool({ doc: 'True: meant for its owner alone.' })
  declare private: boolean | null;
}

@Resolver(() => Journal)
export class JournalResolver extends CrudResolver(Journal) {}
