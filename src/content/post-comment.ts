import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'post_comment',
  doc: 'What a member says to a post. Its author may change it, and the staff.',
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
export class PostComment extends TenantEntity {
  @Ref('post', { inverse: 'comments', onRemove: 'cascade', nullable: false, doc: 'Id of the post.' })
  declare postId: number;

  @Attr.longtext({ search: true, doc: 'What it says, as plain text or Markdown.' })
  declare content: string | null;

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
}

@Resolver(() => PostComment)
export class PostCommentResolver extends CrudResolver(PostComment) {}
