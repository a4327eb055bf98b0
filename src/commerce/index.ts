import { OrderResolver } from './order';
import { OrderLineResolver } from './order-line';
import { SponsorshipResolver } from './sponsorship';
import { SponsorshipCfgResolver } from './sponsorship-cfg';

export const commerceResolvers = [
  OrderResolver,
  OrderLineResolver,
  SponsorshipCfgResolver,
  SponsorshipResolver,
] as const;
