import { databaseFromDate } from '../src/kernel/scalars';
import type { Document } from './documents';
import type { Block } from './programme';
import type { Seed } from './rows';

/** What a demo event is made of; its rows get fixed ids, numbered from `first` on. */
export interface EventPlan {
  account: string;
  id: string;
  values: Record<string, unknown>;
  /** Days of the programme, `2026-05-07`. */
  days: string[];
  rooms: { name: string; capacity: number; building: string; floor: string }[];
  tracks: { name: string; color: string }[];
  blocks: Block[];
  badges: number;
  /** Stands of the exhibition: who exhibits, by id, and where. */
  exhibits: { name: string; booth: string; organizationId: string }[];
  documents: Record<'programme' | 'slides' | 'handout' | 'floorPlan' | 'checklist', Document>;
  first: number;
}

/** A fixed id: `DemoRoom-001`. */
export const demoId = (kind: string, number: number): string =>
  `Demo${kind}-${String(number).padStart(3, '0')}`;

/** A row with a fixed id. */
export const row = (type: string, id: string, values: Seed['values']): Seed => ({ type, id, values });

/** A row of the event, with a fixed id. */
export const below = (
  plan: EventPlan,
  type: string,
  kind: string,
  index: number,
  values: Seed['values'],
): Seed =>
  row(type, demoId(kind, plan.first + index), { accountId: plan.account, eventId: plan.id, ...values });

/** So many minutes after the start of a slot, UTC. */
export function moment(day: string, start: string, minutes: number): string {
  const time = new Date(`${day}T${start}:00Z`).getTime() + minutes * 60_000;
  return databaseFromDate(new Date(time));
}
