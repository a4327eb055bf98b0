import { attendanceSeeds, badgeSeeds, deviceSeeds, exhibitSeeds } from './attendance';
import { personNumber } from './people';
import { below, demoId, moment, row, type EventPlan } from './plan';
import type { Seed } from './rows';

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
  const tracks = plan.tracks.map((track, index) =>
    below(plan, 'event_track', 'Track', index, { ...track, sort: index + 1 }),
  );
  const attendance = attendanceSeeds(plan);
  const programme = programmeSeeds(plan, { rooms, tracks, persons: attendance.persons });
  const badges = badgeSeeds(plan, attendance.persons);
  const files = fileSeeds(plan, { event, rooms, ...programme });
  return [
    event,
    ...hosted,
    ...rooms,
    ...tracks,
    ...deviceSeeds(plan, rooms),
    ...attendance.persons,
    ...attendance.profiles,
    ...attendance.registrations,
    ...programme.abstracts,
    ...programme.sessions,
    ...programme.presentations,
    ...programme.presenters,
    ...files,
    ...linkSeeds(plan, files),
    ...badges,
    ...exhibitSeeds(plan, rooms, badges),
  ];
}

/* ---- the programme ---- */

/** Starts of the four slots of a day, UTC, and the length of each talk in minutes. */
const slotStarts = ['07:00', '09:00', '12:00', '14:00'];
const talkMinutes = 30;

interface Places {
  rooms: Seed[];
  tracks: Seed[];
  persons: Seed[];
}

function programmeSeeds(plan: EventPlan, { rooms, tracks, persons }: Places) {
  const abstracts: Seed[] = [];
  const sessions: Seed[] = [];
  const presentations: Seed[] = [];
  const presenters: Seed[] = [];
  for (const { block, day, start, room } of placed(plan)) {
    const code = `S${String(sessions.length + 1).padStart(2, '0')}`;
    const at = (talk: number): string => moment(day, start, talk * talkMinutes);
    const session = below(plan, 'event_session', 'Sess', sessions.length, {
      eventLocationId: rooms[room]?.id,
      eventTrackId: block.type === 'plenary' ? null : tracks[sessions.length % tracks.length]?.id,
      pocEventPersonId: persons[sessions.length % persons.length]?.id,
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
      const abstract = abstractSeed(plan, presentations.length, name);
      // Talks that open or close an event are about no abstract.
      if (block.type !== 'plenary') abstracts.push(abstract);
      const presentation = below(plan, 'event_presentation', 'Pres', presentations.length, {
        eventSessionId: session.id,
        eventAbstractId: block.type === 'plenary' ? null : abstract.id,
        code: `${code}-${talk + 1}`,
        name,
        typeCode: block.type === 'poster' ? 'poster' : 'talk',
        startDatetime: at(talk),
        endDatetime: at(talk + 1),
        abstractCode: abstract.values.code,
        sort: talk + 1,
      });
      presentations.push(presentation);
      // Every second talk is given by two.
      const speakers = presentations.length % 2 === 0 ? 1 : 2;
      for (let speaker = 0; speaker < speakers; speaker += 1)
        presenters.push(presenterSeed(plan, presenters.length, presentation, speaker, persons));
    }
  }
  return { abstracts, sessions, presentations, presenters };
}

const abstractSeed = (plan: EventPlan, index: number, title: string): Seed =>
  below(plan, 'event_abstract', 'Abstract', index, {
    code: `A${String(100 + index)}`,
    name: title,
    title,
    abstract: `${title}: what was known, what we did, and what came of it.`,
    authorsJson: [{ name: personNumber(plan.first + index).fullName }],
    status: 'accepted',
    typeCode: 'talk',
  });

function presenterSeed(
  plan: EventPlan,
  index: number,
  presentation: Seed,
  speaker: number,
  persons: Seed[],
): Seed {
  const { place, ...person } = personNumber(plan.first + index);
  return below(plan, 'event_presenter', 'Speaker', index, {
    eventPersonId: persons[index]?.id,
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
