import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'journal_entry',
  plural: 'journalEntries',
  doc: 'One entry of a journal. What arrives encrypted stays so: the server never has the key.',
  access: {
    read: 'authenticated',
    own: 'journalId.personId',
    // An administrator sees whose journals there are, never what is written in them.
    readAll: 'super',
    create: 'authenticated',
    update: 'authenticated',
    remove: 'administrator',
  },
})
export class JournalEntry extends TenantEntity {
  @Ref('journal', { inverse: 'entries', onRemove: 'cascade', nullable: false, doc: 'Id of the journal.' })
  declare journalId: number;

  @Attr.text({ doc: 'Summary.' })
  declare summary: string | null;

  @Attr.longtext({ doc: 'What is written, as plain text or Markdown.' })
  declare content: string | null;

  @Attr.longtext({ doc: 'What is written, encrypted by the client.' })
  declare contentEncrypted: string | null;

  @Attr.longtext({ doc: 'Earlier versions, as the client keeps them.' })
  declare history: string | null;

  @Attr.longtext({ doc: 'Earlier versions, encrypted by the client.' })
  declare historyEncrypted: string | null;

  @Attr.bool({ doc: 'True: meant for its owner alone.' })
  declare private: boolean | null;

  @Attr.bool({ doc: 'True: may be shown to others.' })
  declare public: boolean | null;

  @Attr.bool({ doc: 'True: about private life.' })
  declare personal: boolean | null;

  @Attr.bool({ doc: 'True: about work.' })
  declare professional: boolean | null;

  @Attr.bool({ doc: 'True: clients draw attention to the entry.' })
  declare alert: boolean | null;

  @Attr.text({ doc: 'Text of the alert.' })
  declare alertMsg: string | null;

  @Attr.datetime({ doc: 'The moment that the entry is about, UTC.' })
  declare entryDatetime: Date | null;

  @Attr.string({ read: 'never', doc: 'Digest of the passcode that opens the entry, made by the client.' })
  declare passcodeHash: string | null;
}

@Resolver(() => JournalEntry)
export class JournalEntryResolver extends CrudResolver(JournalEntry) {}
