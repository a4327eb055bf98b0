import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'order',
  doc: 'What somebody has bought, and whether it is paid.',
  access: {
    read: 'authenticated',
    own: 'personId',
    readAll: 'administrator',
    create: 'manager',
    update: 'manager',
    remove: 'manager',
  },
})
export class Order extends TenantEntity {
  @Ref('account', {
    inverse: 'orders',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that sells.',
  })
  declare accountId: number;

  @Ref('person', { inverse: 'orders', doc: 'Id of the person who buys.' })
  declare personId: number | null;

  @Ref('event', { inverse: 'orders', doc: 'Id of the event that it is for.' })
  declare eventId: number | null;

  @Attr.string({ max: 100, doc: 'State of the order, such as `open` or `paid`.' })
  declare status: string | null;

  @Attr.string({ max: 100, doc: 'ISO 4217 code of the currency, such as `CHF`.' })
  declare currency: string | null;

  @Attr.decimal({ digits: [12, 2], doc: 'What is to be paid in all, in the currency.' })
  declare total: number | null;

  @Attr.datetime({ doc: 'When it was paid, UTC.' })
  declare paidOn: Date | null;

  @Attr.string({ index: true, read: 'administrator', doc: 'Id of the payment at Stripe.' })
  declare stripeId: string | null;
}

@Resolver(() => Order)
export class OrderResolver extends CrudResolver(Order) {}
