import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { seed, type Seed } from '../../seeders/rows';
import { hashPassword } from '../../src/auth/password';
import type { Attribute } from '../../src/kernel/attributes';
import type { Services } from '../../src/kernel/context';
import { entityOf, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { targetsOf } from '../../src/kernel/registry';
import { databaseFromDate } from '../../src/kernel/scalars';
import type { Caller } from '../support/callers';
import { inOrderOfNeed, valuesFor, type Made, type Tenant, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import {
  changeBy,
  includes,
  isHolder,
  knows,
  mayCreate,
  mayList,
  ruleOf,
  sees,
  seesOne,
  type Place,
  type Who,
} from './expectations';

/** Objects of each type in an account; see `Rule`. The last of each is taken away before anybody calls. */
export const rows = 5;
export const lastRow = rows - 1;

/** A value that stands in one field of one object, or in few: wherever it turns up, it is known what was told. */
interface Mark {
  place: Place;
  field: string;
}

const seen = /zq[0-9a-z]{4}qz|zi[0-9a-z]{7}iz|\b71\d{7}\b|25\d\d-\d\d-\d\dT\d\d:\d\d|\b[0-9a-f]{64}\b/g;

/** An id that no object has. */
export const unknownId = 'zi-unknown-iz';

/** A way from an object to others: by its own attribute, or by that of its children. */
export interface Link {
  attribute: string;
  child?: string;
}

/** Two accounts whose every value is known by sight, and what is everybody's. */
export class World {
  /** Objects by account and type; those of nobody are under `all`. */
  readonly objects: Record<Place['tenant'], Record<string, Made[]>> = { here: {}, there: {}, all: {} };
  readonly bytes: Record<'here' | 'there', string[]> = { here: [], there: [] };
  private readonly marks = new Map<string, Mark[]>();
  private readonly marksByPlace = new Map<string, [field: string, text: string][]>();
  private readonly members: Record<'here' | 'there', string[]> = { here: [], there: [] };
  private readonly places = new Map<string, Place>();
  /** The objects that refer to the one with this id. */
  private readonly referrers = new Map<string, Place[]>();
  private count = 0;

  /** What the files of the suite do not share, so that they share no memory of a cache either. */
  constructor(private readonly name: string) {}

  idOf = (tenant: Place['tenant'], type: string, row = 0): string => this.objects[tenant][type]![row]!.id;

  idAt = ({ tenant, type, row }: Place): string => this.idOf(tenant, type, row);

  idsOf = (places: readonly Place[]): string[] => places.map(this.idAt).sort();

  placeOf = (id: string): Place | undefined => this.places.get(id);

  valuesOf = ({ tenant, type, row }: Place): Values => this.objects[tenant][type]![row]!.values;

  /** All objects of a type that are still there. */
  all = (type: string): Place[] =>
    (['here', 'there', 'all'] as const).flatMap((tenant) =>
      (this.objects[tenant][type] ?? []).flatMap((_made, row) =>
        row === lastRow ? [] : [{ tenant, type, row }],
      ),
    );

  /** Objects of an account that have changed since it was filled, those that have been deleted among them. */
  changed = (tenant: 'here' | 'there', type: string): Place[] =>
    hasChanges(type) ? this.objects[tenant][type]!.map((_made, row) => ({ tenant, type, row })) : [];

  /** Changes every object, to what it was before, and deletes the last of each type. */
  async change(root: Caller, tenant: 'here' | 'there'): Promise<void> {
    for (const [type, objects] of Object.entries(this.objects[tenant])) {
      if (!hasChanges(type)) continue;
      for (const { id, values } of objects)
        await root.call('PATCH', `/v3/crud/${type}/${id}`, { code: values.code });
    }
    // First the event, that much goes along with.
    for (const type of ['event', ...Object.keys(this.objects[tenant]).reverse()]) {
      const last = this.objects[tenant][type]![lastRow];
      if (!last) continue;
      const { status, body } = await root.rest('DELETE', `/v3/crud/${type}/${last.id}?method=delete`);
      if (status !== 200 && status !== 404) throw new Error(`${type} ${last.id}: ${JSON.stringify(body)}`);
    }
  }

  /** Ids of the objects of a type that are for the caller. */
  idsFor = (who: Who, type: string): string[] =>
    this.idsOf(this.all(type).filter((place) => sees(who, place)));

  /** The objects that one leads to, whosever they are. */
  linked(place: Place, { attribute, child }: Link): Place[] {
    const { tenant } = place;
    if (child === undefined) {
      if (attribute === 'accountId') return tenant === 'all' ? [] : [{ tenant, type: 'account', row: 0 }];
      return [this.places.get(String(this.valuesOf(place)[attribute]))].filter((to) => to !== undefined);
    }
    const id = this.idAt(place);
    return this.all(child).filter((each) =>
      attribute === 'accountId' ? each.tenant === tenant : this.valuesOf(each)[attribute] === id,
    );
  }

  /** Marks of an object by field. */
  marksOf = (place: Place): readonly [field: string, text: string][] =>
    this.marksByPlace.get(nameOf(place)) ?? [];

  /** May the caller read the text in some place? */
  isKnown = (who: Who, text: string): boolean =>
    this.marks.get(text)!.some(({ place, field }) => knows(who, place, field));

  /** What a text tells the caller that is not for them, and that they have not said themselves. */
  leaks(who: Who, said: string, told: string): string[] {
    return [...new Set(told.match(seen))].flatMap((text) => {
      if (said.includes(text)) return [];
      const place = this.places.get(text);
      if (place) return this.mayBeNamed(who, text, place) ? [] : [`the id of ${nameOf(place)}`];
      const marks = this.marks.get(text);
      return !marks || this.isKnown(who, text)
        ? []
        : [marks.map(({ place: at, field }) => `${field} of ${nameOf(at)}`).join(' or ')];
    });
  }

  /** Who sees an object sees the ids that it holds. */
  private mayBeNamed = (who: Who, id: string, place: Place): boolean =>
    seesOne(who, place) ||
    (this.referrers.get(id) ?? []).some((referrer) => seesOne(who, referrer)) ||
    // The log names everything.
    (place.tenant === who.tenant && mayList(who, 'activity_log'));

  /** Fills an account. */
  async fill(services: Services, tenant: 'here' | 'there'): Promise<Tenant> {
    await this.everybodys(services);
    const made = this.objects[tenant];
    const account = this.newId({ tenant, type: 'account', row: 0 });
    for (let row = 0; row < rows; row += 1) {
      this.bytes[tenant].push(`The file of ${this.word({ tenant, type: 'hosted_file', row }, 'bytes')}.\n`);
      this.members[tenant].push(this.word({ tenant, type: 'person', row }, 'externalPersonId'));
    }
    for (const entity of inOrderOfNeed()) {
      const { table: type } = entity;
      // Nobody takes away what is in the log.
      const length = entity.tenant === 'self' ? 1 : type === 'activity_log' ? lastRow : rows;
      const ids = Array.from({ length }, (_, row) =>
        type === 'account' ? account : this.newId({ tenant, type, row }),
      );
      made[type] = [];
      for (const [row, id] of ids.entries())
        made[type].push({ type, id, values: await this.valuesFor(entity, { tenant, type, row }) });
      await seed(
        services,
        made[type].map((each) => seedOf(entity, each, account)),
      );
    }
    for (const text of this.bytes[tenant]) {
      const received = await services.files.receive(Readable.from([Buffer.from(text)]), { maxBytes: 1e6 });
      await received.commit();
    }
    await this.closeCircles(services, tenant);
    this.noteReferences(tenant);
    return { account, rows: made };
  }

  /** References to what was made later. */
  private async closeCircles({ database, publicIds }: Services, tenant: 'here' | 'there'): Promise<void> {
    for (const [type, objects] of Object.entries(this.objects[tenant]))
      for (const { name, column, ref } of entityOf(type).attributes.values())
        for (const [row, { id, values }] of objects.entries()) {
          const target = ref && this.objects[tenant][ref.type]?.[row]?.id;
          if (keptByServer.has(name) || target === undefined || values[name] !== null) continue;
          values[name] = target;
          const pk = await publicIds.find(ref!.type, target);
          await database.transaction((tx) =>
            database.select(`UPDATE \`${type}\` SET \`${column}\` = ? WHERE id_random = ?`, [pk!, id], tx),
          );
        }
  }

  private async everybodys(services: Services): Promise<void> {
    for (const entity of inOrderOfNeed().filter(({ tenant }) => tenant === 'shared')) {
      const { table: type } = entity;
      if (this.objects.all[type]) continue;
      const place: Place = { tenant: 'all', type, row: 0 };
      const made = { type, id: this.newId(place), values: await this.valuesFor(entity, place) };
      this.objects.all[type] = [made];
      await seed(services, [seedOf(entity, made)]);
    }
  }

  private newId(place: Place): string {
    this.count += 1;
    const id = `zi${this.name}${this.count.toString(36).padStart(7 - this.name.length, '0')}iz`;
    this.places.set(id, place);
    return id;
  }

  private newMark(place: Place, field: string, textOf: (n: number) => string): string {
    this.count += 1;
    return this.also(textOf(this.count), place, field);
  }

  private word = (place: Place, field: string): string =>
    this.newMark(place, field, (n) => `zq${n.toString(36).padStart(4, '0')}qz`);

  private number = (place: Place, field: string): number =>
    Number(this.newMark(place, field, (n) => String(710_000_000 + n)));

  /** The text stands in this place, among others. */
  private also(text: string, place: Place, field: string): string {
    add(this.marks, text, { place, field });
    add(this.marksByPlace, nameOf(place), [field, text]);
    return text;
  }

  private async valuesFor(entity: Entity, place: Place): Promise<Values> {
    const values: Values = {};
    for (const attribute of entity.attributes.values()) {
      const { name, sql, kind } = attribute;
      if (sql || kind === 'id' || keptByServer.has(name)) continue;
      if (attribute.any) this.refer(attribute, place, values);
      else if (kind !== 'anyType') values[name] = await this.valueOf(attribute, place);
    }
    return values;
  }

  private refer({ name, any, ...attribute }: Attribute, { tenant, row }: Place, values: Values): void {
    const made = this.objects[tenant];
    const targets = targetsOf({ name, any, ...attribute }).filter(({ table }) => made[table]?.[row]);
    const usual = any!.types
      ? targets
      : targets.filter(({ table }) => ['event', 'page', 'site'].includes(table));
    const target = usual[row % usual.length]?.table;
    values[any!.typeAttribute] = target ?? null;
    values[name] = target === undefined ? null : made[target]![row]!.id;
  }

  private valueOf(attribute: Attribute, place: Place): unknown {
    const { name, kind, ref, nullable } = attribute;
    const { tenant, type, row } = place;
    const known = this.particular[`${type}.${name}`] ?? this.particular[name];
    if (known) return known(place, name);
    switch (kind) {
      case 'ref':
        return this.objects[tenant][ref!.type]?.[row]?.id ?? null;
      case 'int':
      case 'bigint':
      case 'float':
      case 'decimal':
        return this.number(place, name);
      case 'bool':
        return nullable ? (row + name.length) % 2 === 0 : false;
      case 'datetime': {
        let moment = '';
        this.newMark(place, name, (n) => {
          moment = new Date(Date.UTC(2500, 0, 1) + n * 60_000).toISOString();
          return moment.slice(0, 16);
        });
        return moment;
      }
      case 'json':
        return { open: this.word(place, name) };
      default:
        return this.word(place, name);
    }
  }

  /** Settings, with what is secret in them by its name. */
  private settings = (place: Place, name: string): unknown => {
    const secret = () => this.word(place, `${name} secret`);
    return {
      open: this.word(place, name),
      api_key: secret(),
      list: [{ passcode: secret(), smtp: { password: secret() } }],
    };
  };

  private email = (place: Place, name: string): string => `x${this.word(place, name)}@example.org`;

  private readonly particular: Record<string, (place: Place, name: string) => unknown> = {
    enable: () => true,
    hide: () => false,
    // Made of others.
    contactLiJsonExt: () => null,
    enableFrom: () => null,
    email: this.email,
    emailOverride: this.email,
    phone: (place, name) => `+${this.word(place, name)}99`,
    phoneOverride: (place, name) => `+${this.word(place, name)}99`,
    // By their id in the membership system members own what they write.
    externalPersonId: (place, name) =>
      this.also(this.members[place.tenant as 'here'][place.row]!, place, name),
    // The calling member has a meeting, too.
    'event.externalPersonId': (place, name) =>
      this.also(this.members[place.tenant as 'here'][place.row === 2 ? 0 : place.row]!, place, name),
    'event.typeCode': (place, name) =>
      ruleOf('event').hidden!.rows.includes(place.row) ? 'meeting' : this.word(place, name),
    'page.status': ({ row }) => (ruleOf('page').hidden!.rows.includes(row) ? 'draft' : 'published'),
    'event_file.internalUse': ({ row }) => ruleOf('event_file').hidden!.rows.includes(row),
    'account.cfgJson': this.settings,
    'site.cfgJson': this.settings,
    'event.modPresMgmtJson': this.settings,
    'event.modBadgesJson': this.settings,
    'event.modExhibitsJson': this.settings,
    'event.modLauncherJson': this.settings,
    'event_exhibit.licenseLiJson': (place, name) => [
      { desk: this.word(place, name), passcode: this.word(place, `${name} secret`) },
    ],
    'site.accessCodeKvJson': (place, name) => ({
      trusted: this.word(place, name),
      administrator: this.word(place, name),
    }),
    'site_domain.fqdn': (place, name) => `${this.word(place, name)}.example.org`,
    'user.super': () => false,
    'user.manager': ({ row }) => row === ruleOf('user').rank!.row,
    'user.administrator': ({ row }) => row === 3,
    'user.trusted': ({ row }) => row === 2,
    'user.tokenVersion': () => 0,
    'api_key.administrative': () => false,
    'user.passwordHash': (place) => this.hash(place),
    'api_key.publicKey': (place, name) => `key${this.word(place, name)}`,
    'api_key.level': ({ row }) => (row === ruleOf('api_key').rank!.row ? 'manager' : 'trusted'),
    'api_key.scopesJson': () => null,
    'api_key.originsJson': () => null,
    'hosted_file.hashSha256': ({ tenant, row }) => {
      const hash = createHash('sha256')
        .update(this.bytes[tenant as 'here'][row]!)
        .digest('hex');
      return this.also(hash, { tenant, type: 'hosted_file', row }, 'hashSha256');
    },
  };

  /** All users of an account have one password: to hash it takes its time. */
  private async hash(place: Place): Promise<string> {
    const known = this.hashes.get(place.tenant) ?? (await hashPassword(passwordOf(place)));
    this.hashes.set(place.tenant, known);
    return known;
  }

  private readonly hashes = new Map<Place['tenant'], string>();

  private noteReferences(tenant: 'here' | 'there'): void {
    const made = this.objects[tenant];
    for (const [type, objects] of Object.entries(made))
      for (const [row, { values }] of objects.entries()) {
        const place: Place = { tenant, type, row };
        for (const { name, ref, any } of entityOf(type).attributes.values()) {
          const id = values[name];
          if ((ref ?? any) && typeof id === 'string') add(this.referrers, id, place);
        }
        // An event file shows what its hosted file is.
        if (type === 'event_file')
          for (const [field, text] of this.marksOf({ tenant, type: 'hosted_file', row }))
            if (['hashSha256', 'size', 'contentType'].includes(field)) this.also(text, place, field);
        if (type !== 'account') add(this.referrers, made.account![0]!.id, place);
      }
  }

  private readonly inputs = new Map<string, Values>();

  /** A new object that the caller could make, if they may make one at all. */
  inputFor(who: Who, type: string): Values {
    const tenant = who.tenant ?? 'here';
    const key = `${tenant} ${type}`;
    const entity = entityOf(type);
    let input = this.inputs.get(key);
    if (!input) {
      // What there is but once is there already in the combinations of the fixture.
      const turns = entity.indexes.some(({ unique, columns }) => unique && columns.length > 1) ? rows : 0;
      const of = this.tenant(tenant);
      for (let turn = 0; turn < turns; turn += 1) valuesFor(entity, of, nextNumber());
      input = valuesFor(entity, of, nextNumber());
      this.inputs.set(key, input);
    }
    const { owner, gives = [], changed } = ruleOf(type);
    const given: Values = { ...input };
    // What only some may give is left out, and so is what the caller does not see.
    for (const [name, value] of gives.flatMap(([values]) => Object.entries(values)))
      if (value === true) given[name] = undefined;
    for (const { name, any, ref } of entity.attributes.values()) {
      const place = (ref ?? any) && this.places.get(String(given[name]));
      if (!place || sees(who, place) || !mayCreate(who, type)) continue;
      given[name] = undefined;
      if (any) given[any.typeAttribute] = undefined;
    }
    if (isHolder(who, type))
      Object.assign(given, {
        eventExhibitId: this.idOf(tenant, 'event_exhibit'),
        // The first has a lead there, and the second may be the turn of another.
        eventBadgeId: this.idOf(tenant, 'event_badge', 3),
        eventId: undefined,
      });
    if (changed && !includes(who.level, changed.below)) given.typeCode = 'meeting';
    if (owner !== undefined && who.person !== undefined)
      given[owner] = owner === 'journalId' ? this.idOf(tenant, 'journal', who.person) : undefined;
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  }

  /** The same, but that it would belong to somebody else. */
  inputOfOther(who: Who, type: string): Values | undefined {
    const { owner } = ruleOf(type);
    if (owner === undefined || !who.tenant) return undefined;
    const other: Place = { tenant: who.tenant, type, row: 1 };
    const given = owner === 'journalId' ? this.idOf(who.tenant, 'journal', 1) : this.valuesOf(other)[owner];
    return { ...this.inputFor(who, type), [owner]: given };
  }

  /** What is there of an account. */
  tenant = (tenant: 'here' | 'there'): Tenant => ({
    account: this.idOf(tenant, 'account'),
    rows: Object.fromEntries(
      Object.entries(this.objects[tenant]).map(([type, made]) => [type, made.slice(0, lastRow)]),
    ),
  });

  /** What changes an object, where that is allowed. */
  changeBy = (who: Who, type: string): Values =>
    Object.fromEntries(
      Object.entries(changeBy(who, type)).filter(([name]) => entityOf(type).attributes.has(name)),
    );

  /** References of the type's inputs to objects of the other account: each makes of an input one that nobody may send. */
  foreignInputs(who: Who, type: string): Values[] {
    const foreign = who.tenant === 'there' ? 'here' : 'there';
    const input = this.inputFor(who, type);
    return [...entityOf(type).attributes.values()].flatMap((attribute) => {
      if (!isWritable(attribute) || !(attribute.ref ?? attribute.any)) return [];
      // Of those that may be of any type, some.
      return targetsOf(attribute)
        .slice(0, 8)
        .map(({ table }) => ({
          ...input,
          [attribute.name]: this.idOf(foreign, table),
          ...(attribute.any && { [attribute.any.typeAttribute]: table }),
        }));
    });
  }
}

function add<T>(to: Map<string, T[]>, key: string, value: T): void {
  const known = to.get(key);
  if (known) known.push(value);
  else to.set(key, [value]);
}

export const nameOf = ({ tenant, type, row }: Place): string => `${type} ${String(row)} ${tenant}`;

/** All that has a code. */
const hasChanges = (type: string): boolean =>
  type !== 'activity_log' && entityOf(type).attributes.has('code');

/** The password of a user that has one. */
export const passwordOf = ({ tenant }: Pick<Place, 'tenant'>): string => `the password of ${tenant}`;

const keptByServer = new Set(['accountId', 'createdOn', 'updatedOn', 'defaultQryStr']);

const seedOf = ({ attributes }: Entity, { type, id, values }: Made, account?: string): Seed => ({
  type,
  id,
  values: {
    ...Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        attributes.get(name)?.kind === 'datetime' && typeof value === 'string'
          ? databaseFromDate(new Date(value))
          : value,
      ]),
    ),
    ...(attributes.has('accountId') && account !== undefined && { accountId: account }),
  },
});
