import { databaseFromDate } from '../src/kernel/scalars';
import type { Document } from './documents';
import { personNumber } from './people';
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
  blocks: Block[];
  badges: number;
  documents: Record<'programme' | 'slides' | 'handout' | 'floorPlan' | 'checklist', Document>;
  first: number;
}

/** The rows of an event and of all that lies below it. */
export function eventSeeds(plan: EventPlan): Seed[] {
  const { account, id, values } = plan;
  const event = row('event', id, { accountId: account, ...values });
  const hosted = Object.entries(plan.documents).map(([name, { bytes: _, ...about }], index) =>
    row('hosted_file', demoId('Hosted', plan.first + index), {
      accountId: account,
      name: about.filename,
      title: name,
      ...about,
    }),
  );
  const rooms = plan.rooms.map((room, index) =>
    below(plan, 'event_location', 'Room', index, { ...room, sort: index + 1 }),
  );
  const programme = programmeSeeds(plan, rooms);
  const files = fileSeeds(plan, { event, rooms, ...programme });
  return [
    event,
    ...hosted,
    ...rooms,
    ...programme.sessions,
    ...programme.presentations,
    ...programme.presenters,
    ...files,
    ...linkSeeds(plan, files),
    ...badgeSeeds(plan),
  ];
}

/** A fixed id: `DemoRoom-001`. */
export const demoId = (kind: string, number: number): string =>
  `Demo${kind}-${String(number).padStart(3, '0')}`;

const row = (type: string, id: string, values: Seed['values']): Seed => ({ type, id, values });

const below = (plan: EventPlan, type: string, kind: string, index: number, values: Seed['values']): Seed =>
  row(type, demoId(kind, plan.first + index), { accountId: plan.account, eventId: plan.id, ...values });

/* ---- the programme ---- */

/** Starts of the four slots of a day, UTC, and the length of each talk in minutes. */
const slotStarts = ['07:00', '09:00', '12:00', '14:00'];
const talkMinutes = 30;

function programmeSeeds(plan: EventPlan, rooms: Seed[]) {
  const sessions: Seed[] = [];
  const presentations: Seed[] = [];
  const presenters: Seed[] = [];
  for (const { block, day, start, room } of placed(plan)) {
    const code = `S${String(sessions.length + 1).padStart(2, '0')}`;
    const at = (talk: number): string => moment(day, start, talk * talkMinutes);
    const session = below(plan, 'event_session', 'Sess', sessions.length, {
      eventLocationId: rooms[room]?.id,
      code,
      name: block.name,
      typeCode: block.type,
      startDatetime: at(0),
      endDatetime: at(block.talks.length),
      passcode: `room-${code.toLowerCase()}`,
      sort: sessions.length + 1,
    });
    sessions.push(session);
    for (const [talk, name] of block.talks.entries()) {
      const presentation = below(plan, 'event_presentation', 'Pres', presentations.length, {
        eventSessionId: session.id,
        code: `${code}-${talk + 1}`,
        name,
        typeCode: block.type === 'poster' ? 'poster' : 'talk',
        startDatetime: at(talk),
        endDatetime: at(talk + 1),
        abstractCode: `A${String(100 + presentations.length)}`,
        sort: talk + 1,
      });
      presentations.push(presentation);
      // Every second talk is given by two.
      const speakers = presentations.length % 2 === 0 ? 1 : 2;
      for (let speaker = 0; speaker < speakers; speaker += 1)
        presenters.push(presenterSeed(plan, presenters.length, presentation, speaker));
    }
  }
  return { sessions, presentations, presenters };
}

function presenterSeed(plan: EventPlan, index: number, presentation: Seed, speaker: number): Seed {
  const { place, ...person } = personNumber(plan.first + index);
  return below(plan, 'event_presenter', 'Speaker', index, {
    eventPresentationId: presentation.id,
    eventSessionId: presentation.values.eventSessionId,
    ...person,
    name: person.fullName,
    biography: `${person.fullName} lives and works in ${place}.`,
    agree: index % 5 !== 4,
    sort: speaker + 1,
  });
}

/** Gives each block its slot: a plenary has one to itself, others stand side by side in the rooms. */
function* placed({ blocks, rooms, days }: EventPlan) {
  let slot = 0;
  let room = 0;
  for (const block of blocks) {
    const alone = block.type === 'plenary';
    if (room > 0 && (alone || room === rooms.length)) {
      slot += 1;
      room = 0;
    }
    const day = days[Math.floor(slot / slotStarts.length)] ?? days[0] ?? '';
    yield { block, day, start: slotStarts[slot % slotStarts.length] ?? '', room };
    if (alone) slot += 1;
    else room += 1;
  }
}

function moment(day: string, start: string, minutes: number): string {
  const time = new Date(`${day}T${start}:00Z`).getTime() + minutes * 60_000;
  return databaseFromDate(new Date(time));
}

/* ---- files ---- */

interface Below {
  event: Seed;
  rooms: Seed[];
  sessions: Seed[];
  presentations: Seed[];
  presenters: Seed[];
}

/** What a file of each type of parent also refers to: what lies above the parent, and itself. */
const aboveFile: Record<string, (parent: Seed) => Seed['values']> = {
  event: () => ({}),
  event_location: ({ id }) => ({ eventLocationId: id }),
  event_session: ({ id }) => ({ eventSessionId: id }),
  event_presentation: ({ id, values }) => ({
    eventPresentationId: id,
    eventSessionId: values.eventSessionId,
  }),
  event_presenter: ({ id, values }) => ({
    eventPresenterId: id,
    eventPresentationId: values.eventPresentationId,
    eventSessionId: values.eventSessionId,
  }),
};

function fileSeeds(plan: EventPlan, { event, rooms, sessions, presentations, presenters }: Below): Seed[] {
  const files: Seed[] = [];
  const names = Object.keys(plan.documents);
  const add = (parent: Seed, document: keyof EventPlan['documents'], more: Seed['values']): void => {
    const { filename, extension } = plan.documents[document];
    files.push(
      below(plan, 'event_file', 'File', files.length, {
        forType: parent.type,
        forId: parent.id,
        ...aboveFile[parent.type]?.(parent),
        hostedFileId: demoId('Hosted', plan.first + names.indexOf(document)),
        name: more.title,
        filename,
        extension,
        ...more,
      }),
    );
  };
  add(event, 'programme', { title: 'Programme', filePurpose: 'programme', languageCode: 'en' });
  add(event, 'checklist', { title: 'Checklist for the staff', filePurpose: 'staff', internalUse: true });
  for (const room of rooms)
    add(room, 'floorPlan', { title: `Way to ${String(room.values.name)}`, filePurpose: 'plan' });
  for (const [index, session] of sessions.entries())
    if (index % 2 === 0) add(session, 'handout', { title: 'Handout', filePurpose: 'handout' });
  for (const talk of presentations)
    add(talk, 'slides', { title: `Slides ${String(talk.values.code)}`, filePurpose: 'slides' });
  for (const [index, presenter] of presenters.entries())
    if (index % 3 === 0) add(presenter, 'handout', { title: 'Further reading', filePurpose: 'handout' });
  add(event, 'programme', {
    title: 'Travel',
    filePurpose: 'link',
    filename: 'https://example.org/travel',
    extension: null,
    hostedFileId: null,
  });
  return files;
}

/** Each event file that has bytes is linked to them. */
const linkSeeds = ({ account, first }: EventPlan, files: Seed[]): Seed[] =>
  files
    .filter(({ values }) => values.hostedFileId !== null)
    .map(({ id, values }, index) =>
      row('hosted_file_link', demoId('Link', first + index), {
        accountId: account,
        hostedFileId: values.hostedFileId,
        linkToType: 'event_file',
        linkToId: id,
      }),
    );

/* ---- badges ---- */

const badgeTypes = [
  { code: 'attendee', name: 'Attendee' },
  { code: 'speaker', name: 'Speaker' },
  { code: 'staff', name: 'Staff' },
];

function badgeSeeds(plan: EventPlan): Seed[] {
  const template = below(plan, 'event_badge_template', 'Template', 0, {
    name: 'Standard',
    layout: 'a6',
    headerRow1: plan.values.name,
    footerLeft: plan.values.locationName,
    badgeTypeList: JSON.stringify(badgeTypes),
    showQr: true,
  });
  const badges = Array.from({ length: plan.badges }, (_, index) => {
    const { place, ...person } = personNumber(plan.first + 300 + index);
    const type = badgeTypes[index % 7 === 0 ? 1 : index % 11 === 0 ? 2 : 0];
    return below(plan, 'event_badge', 'Badge', index, {
      eventBadgeTemplateId: template.id,
      externalRegistrationId: `R-${plan.first + 1000 + index}`,
      ...person,
      name: person.fullName,
      location: place,
      phone: `+1 555 01${String(index % 100).padStart(2, '0')}`,
      badgeType: type?.name,
      badgeTypeCode: type?.code,
      registrationType: index % 4 === 0 ? 'Early' : 'Standard',
      registrationTypeCode: index % 4 === 0 ? 'early' : 'standard',
      professionalTitleOverride: index % 10 === 0 ? 'Chair' : null,
      allowTracking: index % 3 !== 0,
      agreeToTc: true,
      personPasscode: `badge-${plan.first + index}`,
    });
  });
  return [template, ...badges];
}
