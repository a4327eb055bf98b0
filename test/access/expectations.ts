import { entityOf } from '../../src/kernel/entity';

/*
 * Who may do what, written down from the description of the levels and not read from the declarations: these are on trial here. A
 * rule that is meant to change is changed here as well.
 */

const order = [
  'anonymous',
  'authenticated',
  'public',
  'trusted',
  'administrator',
  'manager',
  'super',
] as const;
export type Level = (typeof order)[number];
export const levels: readonly Level[] = order;

/** Does the level include the one needed? */
export const includes = (level: Level, needed: Level | 'never'): boolean =>
  needed !== 'never' && order.indexOf(level) >= order.indexOf(needed);

/**
 * Of each type an account has five objects, numbered from 0; the nth of one type belong to the nth of the others. The first belong
 * to the member who calls, the others to other people.
 */
export interface Rule {
  /** Level that reads an object, or its own ones where `others` is given. */
  read: Level;
  /** Level that reads those of other people. */
  others?: Level;
  /** Level that has them listed, counted and compared, where it is not `read`. */
  list?: Level;
  /** Who may not list them finds them by words. */
  search?: true;
  /** Objects that only a level on knows of. */
  hidden?: { rows: readonly number[]; below: Level };
  /** An object is no more visible than the event that it is part of. */
  ofEvent?: true;
  create: Level | 'never';
  update: Level | 'never';
  /** Deletes for good; hiding and disabling are updates. */
  remove: Level | 'never';
  /** Level that changes those of other people; below it one changes and makes one's own. */
  changesOthers?: Level;
  /** Where the owner stands in an input. */
  owner?: string;
  /** Number of the person whose an object is, where it is not the same. */
  ownerOf?: Readonly<Record<number, number>>;
  /** All that an owner below `changesOthers` may do: a change of this kind, and neither hiding nor disabling. */
  ownerSets?: Readonly<Record<string, unknown>>;
  /** Nobody owns them but who has come by the passcode of one. */
  heldAlone?: true;
  /** Who has come by the passcode of the first object of this type reads, makes and changes what belongs to it. */
  heldBy?: string;
  /** Below a level these alone are changed. */
  changed?: { rows: readonly number[]; below: Level };
  /** An object that is above the levels named, such as a user of that level. */
  rank?: { row: number; level: Level };
  /** Levels of single fields, `*` for all others; what is called secret inside of JSON is a field of its own. */
  fields?: Readonly<Record<string, Level | 'never'>>;
  /** Values that only a level on may give. */
  gives?: readonly (readonly [values: Readonly<Record<string, unknown>>, level: Level])[];
  /** Objects of everybody. */
  shared?: true;
  /** One that is named is told to who says that there is no account. */
  withoutAccount?: true;
}

const staff = { create: 'trusted', update: 'trusted', remove: 'administrator' } as const;
const office = { create: 'administrator', update: 'administrator', remove: 'administrator' } as const;
const management = { create: 'manager', update: 'manager', remove: 'manager' } as const;
const members = { create: 'authenticated', update: 'authenticated', remove: 'administrator' } as const;
const nobody = { create: 'never', update: 'never', remove: 'never' } as const;
const lookup = { read: 'anonymous', ...office, shared: true } as const;
const programme = { read: 'anonymous', ofEvent: true, ...staff } as const;
const backstage = { read: 'trusted', ofEvent: true, ...staff } as const;

export const rules: Readonly<Record<string, Rule>> = {
  account: {
    read: 'anonymous',
    create: 'super',
    update: 'manager',
    remove: 'super',
    fields: {
      '*': 'authenticated',
      id: 'anonymous',
      createdOn: 'anonymous',
      updatedOn: 'anonymous',
      enable: 'anonymous',
      hide: 'anonymous',
      priority: 'anonymous',
      // What lists are sorted by.
      sort: 'anonymous',
      name: 'anonymous',
      timezone: 'anonymous',
      'cfgJson secret': 'manager',
    },
    gives: [[{ planCode: 'all' }, 'super']],
  },
  site: {
    read: 'anonymous',
    ...management,
    withoutAccount: true,
    fields: { accessKey: 'manager', accessCodeKvJson: 'manager', 'cfgJson secret': 'manager' },
  },
  site_domain: {
    read: 'anonymous',
    ...office,
    fields: { accessKey: 'manager', siteAccessCodeKvJson: 'manager', 'siteCfgJson secret': 'manager' },
  },
  page: { read: 'anonymous', hidden: { rows: [3, 4], below: 'administrator' }, ...office },
  user: {
    read: 'authenticated',
    others: 'administrator',
    ...office,
    rank: { row: 1, level: 'manager' },
    fields: { passwordHash: 'never', authKeyHash: 'never', tokenVersion: 'never' },
    gives: [
      [{ super: true }, 'super'],
      [{ manager: true }, 'manager'],
    ],
  },
  api_key: {
    read: 'administrator',
    ...office,
    rank: { row: 1, level: 'manager' },
    fields: { secretKey: 'never' },
    gives: [
      [{ administrative: true }, 'super'],
      [{ level: 'super' }, 'super'],
      [{ level: 'manager' }, 'manager'],
    ],
  },
  person: { read: 'authenticated', others: 'trusted', ...staff },
  contact: { read: 'authenticated', others: 'trusted', ...staff },
  address: { read: 'trusted', ...staff },
  organization: { read: 'authenticated', ...staff },
  activity_log: { read: 'administrator', ...nobody },
  data_store: lookup,
  lu_country: lookup,
  lu_country_subdivision: lookup,
  lu_time_zone: lookup,

  order: {
    read: 'authenticated',
    others: 'administrator',
    ...management,
    fields: { stripeId: 'administrator' },
  },
  order_line: { read: 'authenticated', others: 'administrator', ...management },
  sponsorship_cfg: { read: 'trusted', ...management },
  sponsorship: { read: 'trusted', ...staff },

  event: {
    read: 'anonymous',
    // Meetings, which members make and change by themselves; the third is one.
    hidden: { rows: [2, 4], below: 'authenticated' },
    ...members,
    changesOthers: 'administrator',
    owner: 'externalPersonId',
    ownerOf: { 2: 0 },
    changed: { rows: [2, 4], below: 'administrator' },
    gives: [[{ typeCode: 'conference' }, 'administrator']],
    fields: {
      attendJson: 'authenticated',
      attendUrl: 'authenticated',
      'modPresMgmtJson secret': 'manager',
      'modBadgesJson secret': 'manager',
      'modExhibitsJson secret': 'manager',
      'modLauncherJson secret': 'manager',
    },
  },
  event_location: programme,
  event_track: programme,
  event_session: { ...programme, fields: { passcode: 'trusted' } },
  event_presentation: programme,
  event_presenter: {
    ...programme,
    update: 'anonymous',
    changesOthers: 'trusted',
    owner: 'personId',
    ownerSets: { biography: 'taken over' },
    gives: [[{ name: 'taken over' }, 'trusted']],
    // Older search texts hold the address.
    fields: {
      email: 'authenticated',
      defaultQryStr: 'authenticated',
      comments: 'trusted',
      passcode: 'trusted',
    },
  },
  event_file: {
    ...programme,
    hidden: { rows: [3, 4], below: 'administrator' },
    gives: [[{ internalUse: true }, 'administrator']],
  },
  event_exhibit: {
    ...programme,
    update: 'anonymous',
    changesOthers: 'trusted',
    heldAlone: true,
    ownerSets: { description: 'taken over' },
    gives: [[{ name: 'taken over' }, 'trusted']],
    fields: { licenseLiJson: 'trusted', 'licenseLiJson secret': 'manager', staffPasscode: 'manager' },
  },
  event_badge_template: programme,
  // One by its id, or some by words; a list is not for guests.
  event_badge: {
    ...programme,
    list: 'public',
    search: true,
    update: 'anonymous',
    changesOthers: 'trusted',
    owner: 'personId',
    ownerSets: { fullNameOverride: 'taken over' },
    gives: [[{ name: 'taken over' }, 'trusted']],
    fields: {
      email: 'trusted',
      emailOverride: 'trusted',
      phone: 'trusted',
      phoneOverride: 'trusted',
      displayEmail: 'trusted',
      displayPhone: 'trusted',
      defaultQryStr: 'trusted',
      hashedEmail: 'trusted',
      personPasscode: 'trusted',
      externalId: 'trusted',
      externalRegistrationId: 'trusted',
    },
  },
  event_device: { ...backstage, withoutAccount: true, fields: { passcode: 'manager' } },
  event_person: backstage,
  event_person_profile: backstage,
  event_registration: { ...backstage, read: 'authenticated', others: 'trusted' },
  event_abstract: backstage,
  event_exhibit_tracking: { ...backstage, heldBy: 'event_exhibit' },

  hosted_file: { read: 'authenticated', ...staff },
  // A link has no other way to go.
  hosted_file_link: { read: 'trusted', ...staff, remove: 'trusted' },
  archive: { read: 'authenticated', ...staff },
  archive_content: { read: 'authenticated', ...staff },
  post: {
    read: 'authenticated',
    ...members,
    changesOthers: 'trusted',
    owner: 'externalPersonId',
    fields: { email: 'trusted', defaultQryStr: 'trusted' },
  },
  post_comment: {
    read: 'authenticated',
    ...members,
    changesOthers: 'trusted',
    owner: 'externalPersonId',
    fields: { email: 'trusted', defaultQryStr: 'trusted' },
  },
  journal: {
    read: 'authenticated',
    others: 'administrator',
    ...members,
    changesOthers: 'administrator',
    owner: 'personId',
    fields: { passcodeHash: 'never' },
  },
  // Of the journals of others an administrator sees that they are there, and nothing that is written in them.
  journal_entry: {
    read: 'authenticated',
    others: 'super',
    ...members,
    changesOthers: 'super',
    owner: 'journalId',
    fields: { passcodeHash: 'never' },
  },
};

/** Of every type: notes are for those who have signed in. */
const common: Readonly<Record<string, Level>> = { notes: 'authenticated' };

export const ruleOf = (type: string): Rule => rules[type] ?? declared(type);

const known = new Map<string, Rule>();

/**
 * The rule of a type that is not described here yet: as it is declared, which `schema/access.md` shows to who reviews it.
 * @throws Error where there is more to it than levels
 */
function declared(type: string): Rule {
  const made = known.get(type);
  if (made) return made;
  const { access, attributes } = entityOf(type);
  const { read, create, update, remove } = access;
  const above = [...attributes.values()].flatMap(({ ref }) =>
    ref?.onRemove === 'cascade' ? [ref.type] : [],
  );
  const isOwned = above.some((each) => each !== 'event' && (ruleOf(each).others ?? ruleOf(each).hidden));
  if (access.own ?? access.hidden ?? isOwned)
    throw new Error(`Say in test/access/expectations.ts who may do what with ${type}.`);
  const fields = Object.fromEntries(
    [...attributes.values()].flatMap((attribute) =>
      attribute.read ? [[attribute.name, attribute.read]] : [],
    ),
  );
  const ofEvent = above.some((each) => each === 'event' || ruleOf(each).ofEvent);
  const rule: Rule = { read, create, update, remove, fields, ...(ofEvent && { ofEvent }) };
  known.set(type, rule);
  return rule;
}

/** Level from which a field is read by who reads its object. */
export function levelOf(type: string, field: string): Level | 'never' {
  const { fields = {}, read } = ruleOf(type);
  const [, whole = field] = /^(.*) secret$/.exec(field) ?? [];
  return fields[field] ?? fields[whole] ?? common[whole] ?? fields['*'] ?? read;
}

/** Has the field a level of its own? */
const isOfItsOwn = (type: string, field: string): boolean =>
  (ruleOf(type).fields?.[field] ?? common[field]) !== undefined;

/** Is there more to the field than to its object? */
export const isLimited = (type: string, field: string): boolean => {
  const level = levelOf(type, field);
  return level === 'never' || !includes(ruleOf(type).read, level);
};

/** Who calls: the account that they are in, if any, what they may, and, where they have signed in, whose objects are theirs. */
export interface Who {
  name: string;
  tenant?: 'here' | 'there';
  level: Level;
  /** Number of the person. */
  person?: number;
  /** They say themselves that they have no account. */
  bypass?: true;
  /** By its passcode they hold the first object of this type. */
  holds?: string;
  headers: Record<string, string>;
}

/** An object of an account, or one of everybody's. */
export interface Place {
  tenant: 'here' | 'there' | 'all';
  type: string;
  row: number;
}

/** A trusted key without a person acts for all of them: old programs do. */
const isProgram = ({ person, level }: Who): boolean => person === undefined && includes(level, 'trusted');

/** Have they come by the passcode of what the object belongs to? */
export const isHolder = ({ holds }: Who, type: string): boolean =>
  holds !== undefined && holds === ruleOf(type).heldBy;

export const mayRead = (who: Who, type: string): boolean =>
  includes(who.level, ruleOf(type).read) || isHolder(who, type);

export const mayList = (who: Who, type: string): boolean => {
  const { list, read } = ruleOf(type);
  return includes(who.level, list ?? read) || isHolder(who, type);
};

/** Does the caller see the object? Super, who may cross into other accounts when asked for an object there, is not asked here. */
export function sees(who: Who, { tenant, type, row }: Place): boolean {
  const { others, hidden, ofEvent } = ruleOf(type);
  if (!mayRead(who, type)) return false;
  if (tenant === 'all') return true;
  if (tenant !== who.tenant) return false;
  if (others && !includes(who.level, others) && !isProgram(who) && row !== who.person) return false;
  if (isHolder(who, type) && row !== 0) return false;
  if (hidden?.rows.includes(row) && !includes(who.level, hidden.below)) return false;
  return !ofEvent || sees(who, { tenant, type: 'event', row });
}

/** Does the caller see this field of it? */
export const knows = (who: Who, place: Place, field: string): boolean => {
  const level = levelOf(place.type, field);
  const isOpen = includes(who.level, level) || (isHolder(who, place.type) && !isOfItsOwn(place.type, field));
  return level !== 'never' && isOpen && seesOne(who, place);
};

/** Is all that the caller may make or change of the type their own? */
export const isLimitedToOwn = (who: Who, { changesOthers }: Rule): boolean =>
  changesOthers !== undefined && !includes(who.level, changesOthers) && !isProgram(who);

/** May the caller make an object of the type, which belongs to them where it belongs to somebody? */
export function mayCreate(who: Who, type: string): boolean {
  const rule = ruleOf(type);
  if (isHolder(who, type)) return true;
  if (!includes(who.level, rule.create)) return false;
  if (!who.tenant && type !== 'account' && !(rule.shared && who.level === 'super')) return false;
  return !isLimitedToOwn(who, rule) || (who.person !== undefined && !rule.heldAlone);
}

/** What is done to an object: hiding stands for disabling too, and deleting is for good. */
export type Way = 'update' | 'hide' | 'delete';

/** Has the caller the level for it, if perhaps not for every object? */
export const hasLevel = (who: Who, type: string, way: Way): boolean =>
  includes(who.level, way === 'delete' ? ruleOf(type).remove : ruleOf(type).update) ||
  (way !== 'delete' && isHolder(who, type));

/** May the caller do this to the object? */
export function mayChange(who: Who, place: Place, way: Way): boolean {
  const { type, tenant, row } = place;
  const rule = ruleOf(type);
  if (!hasLevel(who, type, way) || !sees(who, place)) return false;
  if (tenant === 'all') return who.level === 'super';
  if (tenant !== who.tenant) return false;
  if (rule.rank?.row === row && !includes(who.level, rule.rank.level)) return false;
  if (rule.changed && !rule.changed.rows.includes(row) && !includes(who.level, rule.changed.below))
    return false;
  if (!isLimitedToOwn(who, rule)) return true;
  if (rule.ownerSets && way !== 'update') return false;
  if (who.holds === type && row === 0) return true;
  return !rule.heldAlone && who.person === (rule.ownerOf?.[row] ?? row);
}

/** A change that the caller may make of what is theirs to change. */
export const changeBy = (who: Who, type: string): Readonly<Record<string, unknown>> => {
  const rule = ruleOf(type);
  return (isLimitedToOwn(who, rule) ? rule.ownerSets : undefined) ?? { name: 'taken over' };
};

/** Does the caller see the object by its id, if not in a list? */
export const seesOne = (who: Who, place: Place): boolean =>
  sees(who, place) ||
  (who.bypass === true &&
    ruleOf(place.type).withoutAccount === true &&
    sees({ ...who, tenant: place.tenant as 'here' }, place));

/** One of the objects that are the caller's, a few that are not, and one of each other account. */
export function sampleOf(who: Who, places: readonly Place[], is: (place: Place) => boolean): Place[] {
  const home = places.filter(({ tenant }) => tenant === (who.tenant ?? 'here'));
  return [
    ...home.filter(is).slice(0, 1),
    ...home.filter((place) => !is(place)).slice(0, 2),
    ...places.filter((place) => !home.includes(place) && place.row === 0),
  ];
}
