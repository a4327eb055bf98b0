import { Attr, Ref } from '../kernel/attributes';
import { CommonEntity, type EntityOptions } from '../kernel/entity';

/** How every list of choices is kept: rows without an account are everybody's. */
export const lookup = {
  tenant: 'shared',
  access: { read: 'anonymous', create: 'administrator', update: 'administrator', remove: 'administrator' },
} as const satisfies Partial<EntityOptions>;

/** One choice of a list. A row of an account, or of one object in it, stands in for the row of everybody with the same `group`. */
export abstract class Lookup extends CommonEntity {
  @Ref('account', {
    write: 'server',
    onRemove: 'restrict',
    doc: 'Id of the account that the row is for; none: for every account.',
  })
  declare accountId: number | null;

  @Attr.string({
    max: 100,
    index: true,
    doc: 'Key of the choice: rows with the same one stand in for each other, the most particular first.',
  })
  declare group: string | null;

  @Attr.anyType({ nullable: true, doc: 'Type of the only object that the row is for, such as `site`.' })
  declare forType: string | null;

  @Attr.anyId({
    typeAttribute: 'forType',
    nullable: true,
    onRemove: 'cascade',
    doc: 'Id of the only object that the row is for.',
  })
  declare forId: number | null;
}
