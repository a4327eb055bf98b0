import type { Values } from '../support/factory';
import type { Crawl, GraphAnswer } from './crawl';
import {
  hasLevel,
  isLimitedToOwn,
  includes,
  mayChange,
  mayCreate,
  mayList,
  ruleOf,
  sampleOf,
  sees,
  type Who,
} from './expectations';
import type { TypeOf } from './types';
import { nameOf, unknownId, type World } from './world';

type Errors = { code: string; id?: string }[];

/** A moment at which nothing changed: who gets as far as to be told so may do what was asked, and it is not done. */
const never = '1999-01-01T00:00:00.000Z';

/** The operations of the graph that write, asked as anybody: nothing of it is ever done. */
export class Writes {
  private readonly world: World;
  private readonly mutations: ReadonlySet<string>;

  constructor(
    private readonly crawl: Crawl,
    private readonly types: readonly TypeOf[],
  ) {
    this.world = crawl.world;
    this.mutations = new Set(Object.keys(crawl.schema.getMutationType()!.getFields()));
  }

  async ask(who: Who, types = this.types): Promise<void> {
    for (const type of types) {
      const { create } = ruleOf(type.table);
      const names = namesOf(type);
      const offered = Object.values(names).filter((name) => this.mutations.has(name));
      if (offered.length !== (create === 'never' ? 0 : Object.keys(names).length))
        this.crawl.fault(who, `of ${type.name} there are ${offered.join()}`);
      if (offered.length === 0) continue;
      await this.creates(who, type);
      await this.gives(who, type);
      for (const how of ['update', 'hide', 'disable', 'delete'] as const) await this.changes(who, type, how);
    }
  }

  private async creates(who: Who, type: TypeOf): Promise<void> {
    const { create, validate, createMany } = namesOf(type);
    const { name, table } = type;
    const input = this.world.inputFor(who, table);
    const one = `mutation ($input: Create${name}Input!) { payload: ${create}(input: $input) { object: ${type.single} { id } } }`;
    const check = `mutation ($input: Create${name}Input!) { payload: ${validate}(input: $input) }`;
    if (!mayCreate(who, table)) {
      this.refused(who, create, await this.crawl.graph(who, one, { input }));
      this.refused(who, validate, await this.crawl.graph(who, check, { input }));
      this.refused(who, createMany, await this.many(who, type, 'create', { inputs: [input], dryRun: false }));
      return;
    }
    const checked = await this.crawl.graph(who, check, { input });
    if (checked.data?.payload !== true)
      this.fault(who, `${validate} of ${JSON.stringify(input)}`, checked, 'true');
    const dry = await this.many(who, type, 'create', { inputs: [input], dryRun: true });
    if (dry.data?.payload.count !== 1) this.fault(who, `${createMany} without doing it`, dry, 'one object');
    const ofOther = isLimitedToOwn(who, ruleOf(table)) ? this.world.inputOfOther(who, table) : undefined;
    if (ofOther) {
      const answer = await this.crawl.graph(who, one, { input: ofOther });
      this.refused(who, `${create} in the name of another`, answer);
    }
    const inputs = this.world.foreignInputs(who, table);
    // What holds for the least of those who may holds for the others.
    if (inputs.length === 0 || !(who.level === ruleOf(table).create || who.tenant === 'there')) return;
    const foreign = await this.many(who, type, 'create', { inputs, dryRun: false });
    this.refused(who, `${createMany} referring to another account`, foreign, inputs.length);
    for (const strange of inputs.slice(0, 1))
      for (const text of [one, check])
        this.refused(
          who,
          `${create} referring to another account`,
          await this.crawl.graph(who, text, { input: strange }),
        );
  }

  /** Values that need more than the right to change the object. */
  private async gives(who: Who, type: TypeOf): Promise<void> {
    const { gives = [], update } = ruleOf(type.table);
    const place = this.world.all(type.table).find((each) => mayChange(who, each, 'update'));
    for (const [values, level] of gives) {
      if (includes(who.level, level) || !includes(who.level, update) || !place) continue;
      const what = `${JSON.stringify(values)} for ${nameOf(place)}`;
      this.refused(
        who,
        what,
        await this.change(who, type, 'update', this.world.idAt(place), { input: values }),
      );
      if (!mayCreate(who, type.table)) continue;
      const inputs = [{ ...this.world.inputFor(who, type.table), ...values }];
      this.refused(
        who,
        `a new ${type.name} with ${JSON.stringify(values)}`,
        await this.many(who, type, 'create', { inputs, dryRun: false }),
      );
    }
  }

  private async changes(
    who: Who,
    type: TypeOf,
    how: 'update' | 'hide' | 'disable' | 'delete',
  ): Promise<void> {
    const { table } = type;
    const way = how === 'disable' ? 'hide' : how;
    const isLevel = hasLevel(who, table, way);
    const places = this.world.all(table);
    const input = this.world.changeBy(who, table);
    const bulk = how === 'update' ? how : 'remove';
    const ids = this.world.idsOf(places);
    const all = { filter: { id: { in: ids } }, input, method: how.toUpperCase() };
    const mine = places.filter((place) => mayChange(who, place, way));
    if (!isLevel) {
      // For them all objects are alike.
      const [place] = places;
      this.refused(
        who,
        `to ${how} ${nameOf(place!)}`,
        await this.change(who, type, how, this.world.idAt(place!), { input }),
      );
      if (how !== 'disable')
        this.refused(
          who,
          `to ${how} many of ${table}`,
          await this.many(who, type, bulk, { ...all, dryRun: false }),
        );
      return;
    }
    for (const place of sampleOf(who, places, (each) => mine.includes(each))) {
      // Hiding and disabling are one.
      if (how === 'disable' && !mine.includes(place)) continue;
      const may = mine.includes(place);
      const answer = await this.change(who, type, how, this.world.idAt(place), {
        input,
        ...(may && { ifUpdatedOn: never }),
      });
      this.refused(who, `to ${how} ${nameOf(place)}`, answer, 1, may ? 'PRECONDITION_FAILED' : 'FORBIDDEN');
    }
    if (how === 'disable') return;
    const none = await this.change(who, type, how, unknownId, { input });
    this.refused(who, `to ${how} no ${table}`, none, 1, 'NOT_FOUND');

    const dry = await this.many(who, type, bulk, { ...all, dryRun: true });
    const visible = places.filter((place) => sees(who, place));
    const what = `to ${how} many of ${table}`;
    if (!mayList(who, table)) {
      this.refused(who, what, dry);
      return;
    }
    const { count, errors = [] } = (dry.data?.payload ?? {}) as { count?: number; errors?: Errors };
    const refused = errors.flatMap(({ code, id }) => (code === 'FORBIDDEN' ? [id] : [])).sort();
    const due = visible
      .filter((place) => !mine.includes(place))
      .map((place) => this.world.idAt(place))
      .sort();
    // What holds back a deletion, or cannot be hidden, is an error of another kind.
    if (refused.join() !== due.join() || (errors.length === 0 && count !== visible.length))
      this.fault(who, what, dry, `${visible.length} found, ${due.length} of them refused`);
  }

  private change(
    who: Who,
    { name, single }: TypeOf,
    how: string,
    id: string,
    { input, ifUpdatedOn }: { input: Values; ifUpdatedOn?: string },
  ): Promise<GraphAnswer> {
    const payload = `{ object: ${single} { id } }`;
    return how === 'update'
      ? this.crawl.graph(
          who,
          `mutation ($id: ID!, $input: Update${name}Input!, $ifUpdatedOn: DateTime) { payload: update${name}(id: $id, input: $input, ifUpdatedOn: $ifUpdatedOn) ${payload} }`,
          { id, input, ifUpdatedOn },
        )
      : this.crawl.graph(
          who,
          `mutation ($id: ID!, $method: RemoveMethod!, $ifUpdatedOn: DateTime) { payload: remove${name}(id: $id, method: $method, ifUpdatedOn: $ifUpdatedOn) ${payload} }`,
          { id, method: how.toUpperCase(), ifUpdatedOn },
        );
  }

  private many(
    who: Who,
    type: TypeOf,
    verb: 'create' | 'update' | 'remove',
    {
      inputs,
      filter,
      input,
      method,
      dryRun,
    }: { inputs?: Values[]; filter?: Values; input?: Values; method?: string; dryRun: boolean },
  ): Promise<GraphAnswer> {
    const names = namesOf(type);
    const payload =
      '{ count nodes { id } affected { type action count } errors { index id code message fields } }';
    switch (verb) {
      case 'create':
        return this.crawl.graph(
          who,
          `mutation ($inputs: [Create${type.name}Input!]!, $dryRun: Boolean!) { payload: ${names.createMany}(inputs: $inputs, dryRun: $dryRun) ${payload} }`,
          { inputs, dryRun },
        );
      case 'update':
        return this.crawl.graph(
          who,
          `mutation ($filter: ${type.name}Filter!, $input: Update${type.name}Input!, $dryRun: Boolean!, $most: Int!) { payload: ${names.updateMany}(filter: $filter, input: $input, dryRun: $dryRun, maxAffected: $most) ${payload} }`,
          { filter, input, dryRun, most: 50 },
        );
      case 'remove':
        return this.crawl.graph(
          who,
          `mutation ($filter: ${type.name}Filter!, $method: RemoveMethod!, $dryRun: Boolean!, $most: Int!) { payload: ${names.removeMany}(filter: $filter, method: $method, dryRun: $dryRun, maxAffected: $most) ${payload} }`,
          { filter, method, dryRun, most: 50 },
        );
    }
  }

  /** Refused as a whole, or with this error for each of so many objects. */
  private refused(who: Who, what: string, answer: GraphAnswer, count = 1, code = 'FORBIDDEN'): void {
    const { data, errors } = answer;
    const each: Errors = data?.payload?.errors ?? [];
    const isWhole = data === null && errors.length === 1 && errors[0]!.extensions.code === code;
    const isEach =
      data?.payload?.count === 0 && each.length === count && each.every((error) => error.code === code);
    if (!isWhole && !isEach) this.fault(who, what, answer, `refused as ${code}`);
  }

  private fault(who: Who, what: string, { text }: GraphAnswer, due: string): void {
    this.crawl.fault(who, `${what} is to be ${due}, and is ${text.slice(0, 400)}`);
  }
}

function namesOf({ name, plural }: TypeOf) {
  const many = plural.charAt(0).toUpperCase() + plural.slice(1);
  return {
    create: `create${name}`,
    validate: `validate${name}`,
    update: `update${name}`,
    remove: `remove${name}`,
    createMany: `create${many}`,
    updateMany: `update${many}`,
    removeMany: `remove${many}`,
  };
}
