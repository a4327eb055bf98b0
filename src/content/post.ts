import { Resolver } from 'type-graphql';
import { Attr, countOf, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'post',
  doc: 'What a member puts on the bulletin board. Its author may change it, and the staff.',
  access: {
    read: 'authenticated',
    own: 'externalPersonId',
    readAll: 'authenticated',
    writeAll: 'trusted',
    create: 'authenticated',
    update: 'authenticated',
    remove: 'administrator',
  },
})
export class Post extends TenantEntity {
  @Ref('account', {
    inverse: 'posts',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account whose bulletin board it is on.',
  })
  declare accountId: number;

  @Attr.string({ search: true, doc: 'Topic.' })
  declare topicName: string | null;

  @Attr.string({ search: true, doc: 'Title.' })
  declare title: string | null;

  @Attr.longtext({ search: true, doc: 'What it says, as plain text or Markdown.' })
  declare content: string | null;

  @Attr.longtext({ doc: 'What it says, as HTML.' })
  declare contentHtml: string | null;

  @Attr.string({
    max: 100,
    index: true,
    once: true,
    doc: 'Id of the author in the membership system; set once.',
  })
  declare externalPersonId: string | null;

  @Attr.string({ search: true, doc: 'Name of the author, as it is shown.' })
  declare fullName: string | null;

  @Attr.string({ read: 'trusted', doc: 'E-mail address of the author.' })
  declare email: string | null;

  // Rows of the old server may hold the e-mail address in it.
  @Attr.text({ read: 'trusted', write: 'server', doc: 'The text that `q` searches, kept by the server.' })
  declare defaultQryStr: string | null;

  @Attr.bool({ doc: 'True: clients do not show who wrote it.' })
  declare anonymous: boolean | null;

  @Attr.int({
    nullable: false,
    sql: countOf('post_comment', (c, t) => `${c}.post_id = ${t}.id`),
    doc: 'How many comments the post has.',
  })
  declare commentCount: number;
}

@Resolver(() => Post)
export class PostResolver extends CrudResolver(Post) {}
