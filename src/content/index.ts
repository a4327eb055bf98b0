import { ArchiveResolver } from './archive';
import { ArchiveContentResolver } from './archive-content';
import { DataStoreResolver } from './data-store';
import { JournalResolver } from './journal';
import { JournalEntryResolver } from './journal-entry';
import { PageResolver } from './page';
import { PostResolver } from './post';
import { PostCommentResolver } from './post-comment';

export const contentResolvers = [
  PageResolver,
  DataStoreResolver,
  ArchiveResolver,
  ArchiveContentResolver,
  JournalResolver,
  JournalEntryResolver,
  PostResolver,
  PostCommentResolver,
] as const;
