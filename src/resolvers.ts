import { accountResolvers } from './accounts';
import { HolderResolver } from './auth/holder';
import { PasscodeResolver } from './auth/passcode';
import { SignInResolver } from './auth/sign-in';
import { commerceResolvers } from './commerce';
import { contentResolvers } from './content';
import { eventResolvers } from './events';
import { fileResolvers } from './files';
import { LegacyUsageResolver } from './legacy/usage';
import { lookupResolvers } from './lookups';
import { NoviMemberResolver } from './novi/member';

/** The resolver classes of every type, module by module; what is in their files and not listed here does not exist. */
export const resolvers = [
  ...accountResolvers,
  ...fileResolvers,
  ...eventResolvers,
  ...contentResolvers,
  ...commerceResolvers,
  ...lookupResolvers,
  NoviMemberResolver,
  SignInResolver,
  LegacyUsageResolver,
  PasscodeResolver,
  HolderResolver,
] as const;
