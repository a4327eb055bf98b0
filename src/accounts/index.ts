import { AccountResolver } from './account';
import { ActivityLogResolver } from './activity-log';
import { AddressResolver } from './address';
import { ApiKeyResolver } from './api-key';
import { BootstrapResolver } from './bootstrap';
import { ContactResolver } from './contact';
import { ExplainAccessResolver } from './explain-access';
import { KeyUsageResolver } from './key-usage';
import { OrganizationResolver } from './organization';
import { PersonResolver } from './person';
import { SiteResolver } from './site';
import { SiteDomainResolver } from './site-domain';
import { UserResolver } from './user';

export const accountResolvers = [
  AccountResolver,
  SiteResolver,
  SiteDomainResolver,
  PersonResolver,
  UserResolver,
  ContactResolver,
  AddressResolver,
  OrganizationResolver,
  ApiKeyResolver,
  ActivityLogResolver,
  BootstrapResolver,
  KeyUsageResolver,
  ExplainAccessResolver,
] as const;
