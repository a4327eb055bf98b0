import { Resolver } from 'type-graphql';
import { Attr, Ref, via, type Json } from '../kernel/attributes';
import type { Context } from '../kernel/context';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { withoutSecrets } from './secrets';

declare module '../kernel/context' {
  interface Services {
    /** Answer the passcodes of a site to every browser, as old clients expect. */
    exposePasscodes: boolean;
  }
}

const siteHas = (column: string) => (t: string) =>
  `EXISTS (SELECT 1 FROM \`site\` v WHERE v.id = ${t}.site_id AND v.account_id = ${t}.account_id AND v.\`${column}\` <> '')`;

@Entity({
  table: 'site_domain',
  doc: 'A host name under which a site answers; how a browser finds its account.',
  access: { read: 'anonymous', create: 'administrator', update: 'administrator', remove: 'administrator' },
})
export class SiteDomain extends TenantEntity {
  @Ref('site', { inverse: 'domains', onRemove: 'cascade', nullable: false, doc: 'Id of the site.' })
  declare siteId: number;

  @Attr.string({
    unique: true,
    nullable: false,
    search: true,
    doc: 'Host name, with a port where it is not the usual one; belongs to one site on the whole server.',
  })
  declare fqdn: string;

  @Attr.string({
    read: 'manager',
    doc: 'Key that a visitor of this host must bring; none: that of the site.',
  })
  declare accessKey: string | null;

  @Attr.bool({ nullable: false, sql: siteHas('access_key'), doc: 'Does the site ask for an access key?' })
  declare siteAccessKeySet: boolean;

  @Attr.bool({
    nullable: false,
    sql: (t) => `(COALESCE(${t}.access_key, '') <> '')`,
    doc: 'Does this host ask for an access key of its own?',
  })
  declare siteDomainAccessKeySet: boolean;

  @Attr.string({ sql: via('site_id', 'site', 'name'), doc: 'Name of the site.' })
  declare siteName: string | null;

  @Attr.json({
    sql: via('site_id', 'site', 'cfg_json'),
    read: 'manager',
    mask: withoutSecrets,
    doc: 'Settings of the site; less than a manager reads them without their secrets.',
  })
  declare siteCfgJson: unknown;

  @Attr.json({
    column: 'access_code_kv_json',
    sql: via('site_id', 'site', 'access_code_kv_json'),
    read: 'manager',
    mask: (codes: Json, ctx: Context) => (ctx.services.exposePasscodes ? codes : null),
    doc: 'Passcode of each level on the site; answered to less than a manager only where the server is set so.',
  })
  declare siteAccessCodeKvJson: unknown;
}

@Resolver(() => SiteDomain)
export class SiteDomainResolver extends CrudResolver(SiteDomain) {}
