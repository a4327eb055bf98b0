import { createHash } from 'node:crypto';
import { databaseFromDate } from '../src/kernel/scalars';
import { textDocument } from './documents';
import { personNumber } from './people';
import type { Seed } from './rows';

const adjectives = [
  'Early',
  'Advanced',
  'Practical',
  'Rural',
  'Digital',
  'Paediatric',
  'Global',
  'Silent',
  'Shared',
];
const subjects = [
  'diagnosis',
  'imaging',
  'rehabilitation',
  'screening',
  'surgery',
  'prevention',
  'triage',
  'ethics',
];
const settings = [
  'in practice',
  'on the ward',
  'at home',
  'in trials',
  'after discharge',
  'under pressure',
  'for teams',
];

const slotsPerDay = 8;
const sessionMinutes = 60;
const opening = Date.UTC(2026, 8, 14, 7);

const moment = (time: number): string => databaseFromDate(new Date(time));

/** The tables of one show, row by row, so that ten shows take no more memory than one. */
export class Show {
  readonly documents = Array.from({ length: 12 }, (_, n) =>
    textDocument(`talk-${n + 1}.txt`, `Slides of talk ${n + 1}\n`.repeat(20 * (n + 1))),
  );
  private readonly random = randomNumbers(20_260_914);
  private readonly tag: string;
  private readonly counts: Record<'rooms' | 'sessions' | 'talks' | 'speakers' | 'files' | 'badges', number>;

  constructor(
    private readonly account: string,
    factor: number,
  ) {
    this.tag = createHash('sha256').update(account).digest('hex').slice(0, 4);
    const times = (whole: number): number => Math.max(1, Math.round(whole * factor));
    this.counts = {
      ...{ rooms: times(20), sessions: times(800), talks: times(3000), speakers: times(5000) },
      ...{ files: times(12_000), badges: times(20_000) },
    };
  }

  get event(): string {
    return this.id('Evnt', 1);
  }

  *tables(): Generator<[string, Iterable<Seed>]> {
    yield ['account', [{ type: 'account', id: this.account, values: { name: 'The show' } }]];
    yield ['event', [{ type: 'event', id: this.event, values: this.eventValues() }]];
    yield ['event_location', this.rows('event_location', 'Room', this.counts.rooms, (n) => this.room(n))];
    yield ['event_session', this.rows('event_session', 'Sess', this.counts.sessions, (n) => this.session(n))];
    yield [
      'event_presentation',
      this.rows('event_presentation', 'Talk', this.counts.talks, (n) => this.talk(n)),
    ];
    yield [
      'event_presenter',
      this.rows('event_presenter', 'Spkr', this.counts.speakers, (n) => this.speaker(n)),
    ];
    yield ['hosted_file', this.hostedFiles()];
    yield ['event_file', this.rows('event_file', 'File', this.counts.files, (n) => this.file(n))];
    yield ['hosted_file_link', this.links()];
    yield [
      'event_badge_template',
      this.rows('event_badge_template', 'Tmpl', 1, () => ({ name: 'Standard' })),
    ];
    yield ['event_badge', this.rows('event_badge', 'Badg', this.counts.badges, (n) => this.badge(n))];
  }

  private *rows(type: string, kind: string, count: number, values: (n: number) => Seed['values']) {
    const { account, event } = this;
    for (let n = 0; n < count; n += 1)
      yield { type, id: this.id(kind, n + 1), values: { accountId: account, eventId: event, ...values(n) } };
  }

  private id(kind: string, number: number): string {
    return `Show-${this.tag}-${kind}${String(number).padStart(7, '0')}`;
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  private title(): string {
    return `${this.pick(adjectives)} ${this.pick(subjects)} ${this.pick(settings)}`;
  }

  /* ---- which belongs to which: children are dealt out evenly, in order ---- */

  private sessionOfTalk(talk: number): number {
    return Math.floor((talk * this.counts.sessions) / this.counts.talks);
  }

  private talkOfSpeaker(speaker: number): number {
    return Math.floor((speaker * this.counts.talks) / this.counts.speakers);
  }

  private startOfSession(session: number): number {
    const slot = Math.floor(session / this.counts.rooms);
    const hours = 24 * Math.floor(slot / slotsPerDay) + (slot % slotsPerDay);
    return opening + hours * 3_600_000;
  }

  /* ---- values ---- */

  private eventValues(): Seed['values'] {
    return {
      accountId: this.account,
      name: 'World Congress of Everything',
      code: 'WCE26',
      typeCode: 'conference',
      startDatetime: moment(opening),
      endDatetime: moment(this.startOfSession(this.counts.sessions - 1) + 3_600_000),
      timezone: 'Europe/Vienna',
      locationName: 'Messe Wien',
      physical: true,
      virtual: true,
    };
  }

  private room(n: number): Seed['values'] {
    return {
      name: `Hall ${n + 1}`,
      capacity: 50 + Math.floor(this.random() * 950),
      floor: String(n % 4),
      sort: n + 1,
    };
  }

  private session(n: number): Seed['values'] {
    const start = this.startOfSession(n);
    return {
      eventLocationId: this.id('Room', (n % this.counts.rooms) + 1),
      code: `S${n + 1}`,
      name: this.title(),
      description: `${this.title()}. ${this.title()}.`,
      typeCode: this.pick(['symposium', 'workshop', 'poster']),
      startDatetime: moment(start),
      endDatetime: moment(start + sessionMinutes * 60_000),
      passcode: `s${n + 1}`,
    };
  }

  private talk(n: number): Seed['values'] {
    const session = this.sessionOfTalk(n);
    const start = this.startOfSession(session) + (n % 4) * 15 * 60_000;
    return {
      eventSessionId: this.id('Sess', session + 1),
      code: `P${n + 1}`,
      name: this.title(),
      typeCode: 'talk',
      startDatetime: moment(start),
      endDatetime: moment(start + 15 * 60_000),
      abstractCode: `A${n + 1}`,
    };
  }

  private speaker(n: number): Seed['values'] {
    const talk = this.talkOfSpeaker(n);
    const { place, ...person } = personNumber(n);
    return {
      eventPresentationId: this.id('Talk', talk + 1),
      eventSessionId: this.id('Sess', this.sessionOfTalk(talk) + 1),
      ...person,
      name: person.fullName,
      biography: `Lives and works in ${place}.`,
      agree: n % 7 !== 0,
    };
  }

  private *hostedFiles(): Generator<Seed> {
    for (const [n, { bytes: _, ...about }] of this.documents.entries())
      yield {
        type: 'hosted_file',
        id: this.id('Host', n + 1),
        values: { accountId: this.account, name: about.filename, ...about },
      };
  }

  /** Most files are slides of a talk; some belong to a speaker, a session or a room. */
  private file(n: number): Seed['values'] {
    const { talks, speakers, sessions, rooms } = this.counts;
    const share = this.random();
    const any = (count: number): number => Math.floor(this.random() * count);
    const hosted = n % this.documents.length;
    const { filename, extension } = this.documents[hosted] ?? {};
    const common = {
      hostedFileId: this.id('Host', hosted + 1),
      ...{ name: filename, filename, extension, filePurpose: 'slides' },
    };
    if (share < 0.7) {
      const talk = any(talks);
      return {
        ...common,
        ...this.ofTalk(talk),
        forType: 'event_presentation',
        forId: this.id('Talk', talk + 1),
      };
    }
    if (share < 0.85) {
      const speaker = any(speakers);
      const id = this.id('Spkr', speaker + 1);
      const above = this.ofTalk(this.talkOfSpeaker(speaker));
      return { ...common, ...above, eventPresenterId: id, forType: 'event_presenter', forId: id };
    }
    if (share < 0.99) {
      const id = this.id('Sess', any(sessions) + 1);
      return { ...common, eventSessionId: id, forType: 'event_session', forId: id };
    }
    const id = this.id('Room', any(rooms) + 1);
    return { ...common, eventLocationId: id, forType: 'event_location', forId: id };
  }

  private ofTalk(talk: number): Seed['values'] {
    return {
      eventPresentationId: this.id('Talk', talk + 1),
      eventSessionId: this.id('Sess', this.sessionOfTalk(talk) + 1),
    };
  }

  private *links(): Generator<Seed> {
    for (let n = 0; n < this.counts.files; n += 1)
      yield {
        type: 'hosted_file_link',
        id: this.id('Link', n + 1),
        values: {
          accountId: this.account,
          hostedFileId: this.id('Host', (n % this.documents.length) + 1),
          linkToType: 'event_file',
          linkToId: this.id('File', n + 1),
        },
      };
  }

  private badge(n: number): Seed['values'] {
    const { place, ...person } = personNumber(n);
    const printCount = this.random() < 0.6 ? 1 : 0;
    return {
      eventBadgeTemplateId: this.id('Tmpl', 1),
      externalRegistrationId: `R${100_000 + n}`,
      ...person,
      name: person.fullName,
      location: place,
      badgeType: 'Attendee',
      badgeTypeCode: 'attendee',
      registrationTypeCode: this.pick(['early', 'standard', 'onsite', 'press']),
      allowTracking: this.random() < 0.8,
      agreeToTc: true,
      printCount,
      printFirstDatetime: printCount ? moment(opening) : null,
    };
  }
}

/** Numbers from 0 to 1 that look random and are the same at every run (mulberry32). */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
