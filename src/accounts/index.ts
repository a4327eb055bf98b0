import { AccountResolver } from './account';
import { ApiKeyResolver } from './api-key';
import { BootstrapResolver } from './bootstrap';
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
  ApiKeyResolver,
  BootstrapResolver,
] as const;
