import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'page',
  doc: 'A page of a web site.',
  access: {
    read: 'anonymous',
    hidden: {
      below: 'administrator',
      what: 'drafts',
      where: (t) => `COALESCE(${t}.status, '') <> 'published'`,
    },
    create: 'administrator',
    update: 'administrator',
    remove: 'administrator',
  },
})
export class Page extends TenantEntity {
  @Ref('account', {
    inverse: 'pages',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account whose page this is.',
  })
  declare accountId: number;

  @Ref('site', { inverse: 'pages', doc: 'Id of the site; none: on every site of the account.' })
  declare siteId: number | null;

  @Attr.string({ index: true, doc: 'Name of the page in its address.' })
  declare slug: string | null;

  @Attr.string({ search: true, doc: 'Title.' })
  declare title: string | null;

  @Attr.longtext({ doc: 'What it says, as plain text or Markdown.' })
  declare content: string | null;

  @Attr.longtext({ doc: 'What it says, as HTML.' })
  declare contentHtml: string | null;

  @Attr.string({
    max: 100,
    doc: 'State of the page: one that is not `published` is seen by administrators only.',
  })
  declare status: string | null;

  @Attr.datetime({ doc: 'When it was published, UTC.' })
  declare publishedOn: Date | null;
}

@Resolver(() => Page)
export class PageResolver extends CrudResolver(Page) {}
