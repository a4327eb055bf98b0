import { JournalResolver } from './journal';
import { JournalEntryResolver } from './journal-entry';

export const contentResolvers = [JournalResolver, JournalEntryResolver] as const;
