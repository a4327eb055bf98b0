import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'order_line',
  doc: 'One line of an order: what, how much of it, and at which price.',
  access: {
    read: 'authenticated',
    own: 'orderId.personId',
    readAll: 'administrator',
    create: 'manager',
    update: 'manager',
    remove: 'manager',
  },
})
export class OrderLine extends TenantEntity {
  @Ref('order', { inverse: 'lines', onRemove: 'cascade', nullable: false, doc: 'Id of the order.' })
  declare orderId: number;

  @Attr.string({ max: 100, search: true, doc: 'Code of what is bought.' })
  declare productCode: string | null;

  @Attr.decimal({ digits: [12, 2], doc: 'How many, or how much of it.' })
  declare quantity: number | null;

  @Attr.decimal({ digits: [12, 2], doc: 'Price of one, in the currency of the order.' })
  declare unitPrice: number | null;
}

@Resolver(() => OrderLine)
export class OrderLineResolver extends CrudResolver(OrderLine) {}
