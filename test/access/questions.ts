import { getNamedType, isEnumType, isInputObjectType } from 'graphql';
import type { Values } from '../support/factory';
import type { Crawl } from './crawl';
import {
  includes,
  isLimited,
  knows,
  levelOf,
  mayList,
  mayRead,
  ruleOf,
  sees,
  type Place,
  type Who,
} from './expectations';
import { inPortions, whole, type TypeOf } from './types';
import { nameOf, type World } from './world';

interface FilterField {
  name: string;
  operators: string[];
}

/** A question to a list, and what it is to find. */
interface Question {
  type: TypeOf;
  what: string;
  args: Values;
  finds: string[] | 'refused';
}

const argumentTypes: Record<string, string> = { filter: '*Filter', orderBy: '[*Order!]', q: 'String' };

/** Filters, searches and orders: nobody learns by asking what they may not read. */
export class Questions {
  private readonly world: World;
  private readonly byTable: ReadonlyMap<string, TypeOf>;

  constructor(
    private readonly crawl: Crawl,
    private readonly types: readonly TypeOf[],
  ) {
    this.world = crawl.world;
    this.byTable = new Map(types.map((type) => [type.table, type]));
  }

  async ask(who: Who): Promise<void> {
    const questions = this.types.flatMap((type) => [
      ...this.ofFields(who, type),
      ...this.ofRelations(who, type),
      ...this.ofWords(who, type),
      ...this.ofOrders(who, type),
    ]);
    const weigh = ({ args }: Question) => 25 + Object.keys(args).length * 10;
    for (const portion of inPortions(questions, weigh, { most: 3900 })) {
      const variables: Values = {};
      const declared: string[] = [];
      const lists = portion.map(({ type, args }, index) => {
        const given = Object.entries(args).map(([name, value]) => {
          variables[`${name}${index}`] = value;
          declared.push(`$${name}${index}: ${argumentTypes[name]!.replace('*', type.name)}`);
          return `${name}: $${name}${index}`;
        });
        return `_${index}: ${type.plural}(${[...given, whole].join(', ')}) { totalCount nodes { id } }`;
      });
      const query = `query (${declared.join(', ')}) { ${lists.join(' ')} }`;
      const answer = await this.crawl.graph(who, query, variables);
      for (const [index, { type, what, args, finds }] of portion.entries()) {
        const list = answer.data?.[`_${index}`];
        const question = `${type.plural} by ${what}, ${JSON.stringify(args).slice(0, 200)},`;
        if (this.crawl.judge(who, answer, [`_${index}`], list, finds !== 'refused', { what: question }))
          this.crawl.compare(who, question, list, finds as string[]);
      }
    }
  }

  private ofFields(who: Who, type: TypeOf): Question[] {
    const places = this.world.all(type.table);
    const all = { id: { in: this.world.idsOf(places) } };
    if (!mayList(who, type.table)) return [{ type, what: 'id', args: { filter: all }, finds: 'refused' }];
    const visible = this.world.idsFor(who, type.table);
    const [open, limited] = this.byReach(who, type, this.filterFields(type));
    const ask = (what: string, filter: Values, finds: Question['finds']): Question => ({
      type,
      what,
      args: { filter },
      finds,
    });
    return [
      ask('any value of each field', this.everything(type, open), visible),
      ask('all that is not the rest', { not: { not: all } }, visible),
      ask('what else there is', { not: { id: { in: visible } } }, []),
      ...this.filtersBy(type, limited).flatMap(({ name, filter }) => [
        ask(name, filter, 'refused'),
        ask(`not ${name}`, { not: { or: [{ and: [filter] }] } }, 'refused'),
      ]),
    ];
  }

  private ofRelations(who: Who, type: TypeOf): Question[] {
    if (!mayList(who, type.table)) return [];
    const names = Object.keys(this.inputFields(type));
    const visible = this.world.all(type.table).filter((place) => sees(who, place));
    return type.relations
      .filter(({ field }) => names.includes(field))
      .flatMap(({ field, link, targets }) => {
        const target = this.byTable.get(targets[0]!)!;
        const to = (inner: Values): Values => ({
          [field]: link.child === undefined ? inner : { some: inner },
        });
        const all = { id: { in: this.world.idsOf(this.world.all(target.table)) } };
        const ask = (what: string, filter: Values, finds: Question['finds']): Question => ({
          type,
          what: `${field}: ${what}`,
          args: { filter },
          finds,
        });
        if (!mayList(who, target.table))
          return [ask('id', to(all), 'refused'), ask('not', { not: to(all) }, 'refused')];
        const leads = (place: Place) => this.world.linked(place, link).some((each) => sees(who, each));
        const some = this.world.idsOf(visible.filter(leads));
        const none = this.world.idsOf(visible.filter((place) => !leads(place)));
        const [open, limited] = this.byReach(who, target, this.filterFields(target));
        // To ask for every field takes its time: the least and the strangest of callers do.
        const isThorough = who.level === 'anonymous' || who.tenant === 'there';
        return [
          ask('any value of each field', to(isThorough ? this.everything(target, open) : all), some),
          ask('not', { not: to(all) }, none),
          ...(link.child === undefined
            ? []
            : [
                ask('none', { [field]: { none: all } }, none),
                ask('every', { [field]: { every: { not: all } } }, none),
              ]),
          ...this.filtersBy(target, limited).map(({ name, filter }) => ask(name, to(filter), 'refused')),
        ];
      });
  }

  /** Words that stand in what the caller may not read find nothing; a name finds what has it. */
  private ofWords(who: Who, type: TypeOf): Question[] {
    if (!('q' in this.inputFields(type)) || !mayRead(who, type.table)) return [];
    const places = this.world.all(type.table);
    const isListed = mayList(who, type.table);
    // Who may not list them searches for one name at a time.
    if (!isListed && !ruleOf(type.table).search) return [];
    const single = places
      .filter(({ row }) => row === 0)
      .flatMap((place) =>
        ['name', 'email', 'notes'].flatMap((field): Question[] => {
          const q = this.world.marksOf(place).find(([name]) => name === field)?.[1];
          if (q === undefined || (field !== 'name' && this.world.isKnown(who, q))) return [];
          const finds = this.world.idsOf(knows(who, place, field) ? [place] : []);
          return [{ type, what: `${field} of ${nameOf(place)}`, args: { q }, finds }];
        }),
      );
    if (!isListed) return single;
    // One of each field and account, and of what is hidden.
    const unknown = new Map(
      places.flatMap((place) =>
        this.world
          .marksOf(place)
          .filter(([, text]) => text.startsWith('zq') && !this.world.isKnown(who, text))
          .map(([field, text]) => [`${place.tenant} ${field} ${String(sees(who, place))}`, text]),
      ),
    );
    const several = [...inPortions([...unknown.values()], () => 1, { count: 190 })].map(
      (words): Question => ({
        type,
        what: 'words of what is not theirs',
        args: { filter: { or: words.map((q) => ({ q })) } },
        finds: [],
      }),
    );
    return [...single, ...several];
  }

  private ofOrders(who: Who, type: TypeOf): Question[] {
    const fields = this.crawl.schema.getType(`${type.name}OrderField`);
    if (!mayList(who, type.table) || !isEnumType(fields)) return [];
    const named = fields.getValues().map(({ name: field }) => ({
      field,
      name: field === 'ID' ? 'id' : type.entity.byColumn.get(field.toLowerCase())!.name,
    }));
    const [open, limited] = this.byReach(who, type, named);
    return [
      ...[...inPortions(open, () => 1, { count: 20 })].map((steps): Question => ({
        type,
        what: 'an order',
        args: { orderBy: steps.map(({ field }) => ({ field })) },
        finds: this.world.idsFor(who, type.table),
      })),
      ...limited.map(({ field, name }): Question => ({
        type,
        what: `an order by ${name}`,
        args: { orderBy: [{ field, direction: 'DESC' }] },
        finds: 'refused',
      })),
    ];
  }

  /** The fields that the caller may compare, and those whose values, or secrets in them, they may not read. */
  private byReach<T extends { name: string }>(
    who: Who,
    { table }: TypeOf,
    fields: T[],
  ): [open: T[], limited: T[]] {
    const isOpen = ({ name }: T) =>
      [name, `${name} secret`].every(
        (field) => !isLimited(table, field) || includes(who.level, levelOf(table, field)),
      );
    return [fields.filter(isOpen), fields.filter((field) => !isOpen(field))];
  }

  private inputFields({ name }: TypeOf) {
    const filter = this.crawl.schema.getType(`${name}Filter`);
    if (!isInputObjectType(filter)) throw new Error(`${name} has no filter`);
    return filter.getFields();
  }

  private filterFields(type: TypeOf): FilterField[] {
    return Object.values(this.inputFields(type)).flatMap(({ name, type: of }) => {
      const named = getNamedType(of);
      const operators = isInputObjectType(named) ? Object.keys(named.getFields()) : [];
      return operators.includes('isNull') ? [{ name, operators }] : [];
    });
  }

  /** A filter on all of these fields that holds for everything there is, whosever it is. */
  private everything(type: TypeOf, fields: FilterField[]): Values {
    const places = this.world.all(type.table);
    const filter: Values = {};
    const and: Values[] = [];
    for (const { name, operators } of fields) {
      const held = name === 'id' ? this.world.idsOf(places) : this.held(places, name);
      if (operators.includes('in') && held.length === places.length)
        filter[name] = { in: [...new Set(held)] };
      else and.push({ or: [{ [name]: { isNull: true } }, { [name]: { isNull: false } }] });
    }
    return { ...filter, and };
  }

  private held = (places: Place[], name: string): unknown[] =>
    places.map((place) => this.world.valuesOf(place)[name]).filter((value) => value != null);

  /** Filters by single fields, for what one object of each account has in it. */
  private filtersBy({ entity, table }: TypeOf, fields: FilterField[]): { name: string; filter: Values }[] {
    const places = this.world.all(table).filter(({ row }) => row === 0);
    return fields.flatMap(({ name, operators }): { name: string; filter: Values }[] => {
      const marks = places
        .flatMap((place) => this.world.marksOf(place))
        .filter(([field]) => field === name || field === `${name} secret`);
      if (entity.attributes.get(name)?.kind === 'json' && marks.length > 0)
        return marks.map(([, text]) => ({ name, filter: { [name]: { contains: text } } }));
      const held = this.held(places, name);
      const test = held.length > 0 && operators.includes('in') ? { in: held } : { isNull: false };
      return [{ name, filter: { [name]: test } }];
    });
  }
}
