import { HostedFileResolver } from './hosted-file';
import { HostedFileLinkResolver } from './hosted-file-link';

export const fileResolvers = [HostedFileResolver, HostedFileLinkResolver] as const;
