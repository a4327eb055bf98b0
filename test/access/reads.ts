import type { Values } from '../support/factory';
import type { Crawl, GraphAnswer, Refusal } from './crawl';
import { knows, mayList, mayRead, sees, seesOne, type Place, type Who } from './expectations';
import { fragmentsOf, inPortions, leastOf, tokensOf, whole, type Relation, type TypeOf } from './types';
import { nameOf, unknownId, type World } from './world';

/** A moment before everything. */
const longAgo = '2020-01-01T00:00:00.000Z';

/** The operations of the graph that read, asked as anybody. */
export class Reads {
  private readonly world: World;
  private readonly byTable: ReadonlyMap<string, TypeOf>;

  constructor(
    private readonly crawl: Crawl,
    private readonly types: readonly TypeOf[],
  ) {
    this.world = crawl.world;
    this.byTable = new Map(types.map((type) => [type.table, type]));
  }

  /** Lists, with their counts, edges and every field: what is for the caller is there, and nothing else. */
  async lists(who: Who): Promise<void> {
    const list = ({ name, plural }: TypeOf) =>
      `${plural}(${whole}) { totalCount nodes { ...all${name} } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
    for (const types of inPortions(this.types, ({ scalars }) => scalars.length + 40)) {
      const query = `query { ${types.map(list).join('\n')} }\n${fragmentsOf(types)}`;
      const answer = await this.crawl.graph(who, query);
      for (const { table, plural } of types) {
        const found = answer.data?.[plural];
        if (!this.crawl.judge(who, answer, [plural], found, mayList(who, table))) continue;
        this.crawl.compare(who, plural, found, this.world.idsFor(who, table));
        const told = JSON.stringify(found);
        for (const place of this.world.all(table).filter((each) => sees(who, each)))
          for (const [field, text] of this.world.marksOf(place))
            if (field !== 'bytes' && knows(who, place, field) && !told.includes(text))
              this.crawl.fault(who, `${plural} does not tell ${field} of ${nameOf(place)}`);
      }
    }
  }

  /** Single objects by id, as themselves and as nodes; those of the caller's account, of the other, and none at all. */
  async ones(who: Who): Promise<void> {
    const home = who.tenant ?? 'here';
    const asked = this.types.flatMap((type) => {
      const places = this.world.all(type.table).filter(({ tenant, row }) => tenant === home || row === 0);
      return [
        ...places.flatMap((place) => [false, true].map((isNode) => ({ type, place, isNode }))),
        { type, place: undefined, isNode: false },
      ];
    });
    const one = ({ type, place, isNode }: (typeof asked)[number], index: number) => {
      const id = place ? this.world.idAt(place) : unknownId;
      const field = isNode ? `node(id: "${id}", type: ${type.table})` : `${type.single}(id: "${id}")`;
      return `_${index}: ${field} { __typename ...all${type.name} }`;
    };
    for (const portion of inPortions(asked, ({ type }) => type.scalars.length / 2 + 25)) {
      const fragments = fragmentsOf(portion.map(({ type }) => type));
      const answer = await this.crawl.graph(who, `query { ${portion.map(one).join('\n')} }\n${fragments}`);
      for (const [index, { type, place }] of portion.entries()) {
        const may = place !== undefined && seesOne(who, place);
        const code: Refusal = !place && mayRead(who, type.table) ? 'NOT_FOUND' : 'FORBIDDEN';
        const what = place ? nameOf(place) : `no ${type.table}`;
        this.crawl.judge(who, answer, [`_${index}`], answer.data?.[`_${index}`], may, { code, what });
      }
    }
    await this.nodes(who);
  }

  /** Many by id: null where there is none for the caller; of a type that they may not read not even that. */
  private async nodes(who: Who): Promise<void> {
    const nodes = ({ name, table }: TypeOf) => {
      const ids = JSON.stringify([...this.world.idsOf(this.world.all(table)), unknownId]);
      return `${table}: nodes(ids: ${ids}, type: ${table}) { __typename ...all${name} }`;
    };
    const readable = this.types.filter(({ table }) => mayRead(who, table));
    for (const portion of inPortions(readable, ({ scalars }) => scalars.length + 40)) {
      const query = `query { ${portion.map(nodes).join('\n')} }\n${fragmentsOf(portion)}`;
      const { data } = await this.crawl.graph(who, query);
      for (const { table } of portion) {
        const found = (data?.[table] as (Values | null)[] | undefined)?.filter((node) => node !== null);
        this.crawl.compare(who, `nodes of ${table}`, { nodes: found ?? [] }, this.world.idsFor(who, table));
      }
    }
    for (const type of this.types.filter((each) => !readable.includes(each))) {
      const answer = await this.crawl.graph(who, `query { ${nodes(type)} }\n${fragmentsOf([type])}`);
      this.crawl.judge(who, answer, [type.table], answer.data, false);
    }
  }

  /** Every relation, from each object of a list, with every field of what it leads to. */
  async relations(who: Who): Promise<void> {
    const asked = this.types.map((type) => ({
      type,
      text: `${type.plural}(${whole}) { nodes { id ${type.relations.map(this.relation).join(' ')} } }`,
      targets: type.relations.flatMap(({ targets }) => targets.map((table) => this.byTable.get(table)!)),
    }));
    const weigh = ({ text, targets }: (typeof asked)[number]) =>
      tokensOf(text) + targets.reduce((sum, { scalars }) => sum + scalars.length, 0) / 2;
    for (const portion of inPortions(asked, weigh)) {
      const fragments = fragmentsOf(portion.flatMap(({ targets }) => targets));
      const query = `query { ${portion.map(({ text }) => text).join('\n')} }\n${fragments}`;
      const answer = await this.crawl.graph(who, query);
      for (const { type } of portion) {
        const nodes: Values[] = answer.data?.[type.plural]?.nodes ?? [];
        for (const [index, node] of nodes.entries())
          for (const relation of type.relations)
            this.judgeRelation(who, answer, relation, node, [type.plural, 'nodes', index]);
      }
    }
  }

  private readonly relation = ({ field, link, targets }: Relation): string => {
    const names = targets.map((table) => this.byTable.get(table)!.name);
    const [name = ''] = names;
    if (link.child === undefined && names.length === 1) return `${field} { ...all${name} }`;
    if (link.child === undefined)
      return `${field} { __typename ${names.map((each) => `... on ${each} { ...all${each} }`).join(' ')} }`;
    const args = `${whole}, offset: 0, q: "", filter: { id: { isNotNull: true } }, orderBy: [{ field: ID }], updatedSince: "${longAgo}"`;
    return `${field}(${args}) { totalCount nodes { ...all${name} } edges { cursor node { id } } }`;
  };

  private judgeRelation(
    who: Who,
    answer: GraphAnswer,
    relation: Relation,
    node: Values,
    at: (string | number)[],
  ): void {
    const { field, link, targets } = relation;
    const place = this.world.placeOf(String(node.id));
    if (!place) return;
    const what = `${field} of ${nameOf(place)}`;
    const path = [...at, field];
    const there = this.world.linked(place, link);
    const expected = this.world.idsOf(there.filter((each) => sees(who, each)));
    const value = node[field] as { id?: string; nodes: { id?: unknown }[]; totalCount?: number } | null;
    if (link.child !== undefined) {
      if (this.crawl.judge(who, answer, path, value, mayList(who, targets[0]!), { what }))
        this.crawl.compare(who, what, value!, expected);
      return;
    }
    const error = answer.errors.find((each) => each.path?.join() === path.join());
    // Of what the caller may not read at all one is told; of what is not for them, not even that.
    const mayBeTold = !mayRead(who, there[0]?.type ?? targets[0]!);
    if ((value?.id ?? undefined) !== expected[0] || (error && !mayBeTold))
      this.crawl.fault(
        who,
        `${what} is ${error ? 'refused' : String(value?.id)} instead of ${expected[0] ?? 'null'}`,
      );
  }

  /* ---- where others have been ---- */

  private readonly cursors = new Map<string, string>();

  /** Remembers the place of the first object of each list of the caller's. Its cursor tells nobody what is in it. */
  async readPlaces(who: Who): Promise<void> {
    const lists = this.types.map(({ plural, table }) => `${table}: ${plural}(first: 1) { edges { cursor } }`);
    const { data } = await this.crawl.graph(who, `query { ${lists.join(' ')} }`);
    for (const { table } of this.types) {
      const [edge] = data[table].edges as { cursor: string }[];
      if (!edge) continue;
      this.cursors.set(table, edge.cursor);
      const told = Buffer.from(edge.cursor, 'base64url').toString('latin1');
      for (const leak of this.world.leaks(nobody, '', told)) this.crawl.fault(who, `a cursor tells ${leak}`);
    }
  }

  /** Pages in every way: nobody comes to see more by the place where somebody else has stopped reading. */
  async pages(who: Who): Promise<void> {
    const ways = [
      'after: $at, first: 15',
      'before: $at, last: 15',
      'offset: 1, first: 15',
      `updatedSince: "${longAgo}", q: "", orderBy: [{ field: ID, direction: ASC }]`,
    ];
    for (const way of ways)
      for (const portion of inPortions(this.types, () => 40)) {
        const hasPlace = way.includes('$at');
        const variables = portion.map(({ table }) => `$${table}: String`).join(', ');
        const lists = portion.map(
          ({ plural, table }) =>
            `${plural}(${way.replace('$at', `$${table}`)}, enabled: ALL, hidden: ALL) { totalCount nodes { id } }`,
        );
        const query = `query ${hasPlace ? `(${variables})` : ''} { ${lists.join(' ')} }`;
        const answer = await this.crawl.graph(who, query, hasPlace ? Object.fromEntries(this.cursors) : {});
        for (const { plural, table } of portion) {
          const list = answer.data?.[plural];
          if (!this.crawl.judge(who, answer, [plural], list, mayList(who, table))) continue;
          const theirs = new Set(this.world.idsFor(who, table));
          for (const { id } of list.nodes as { id: string }[]) {
            const place = this.world.placeOf(id);
            if (place && !theirs.has(id)) this.crawl.fault(who, `${plural}(${way}) lists ${nameOf(place)}`);
          }
        }
      }
  }

  /* ---- what has changed ---- */

  private readonly feeds = new Map<Who['tenant'], string>();

  /** From here on changes are told of. */
  async readFeed(who: Who): Promise<void> {
    const { data } = await this.crawl.graph(who, 'query { changes { endCursor } }');
    this.feeds.set(who.tenant, data.changes.endCursor as string);
  }

  /** What has changed since in either account: every object, and the last of each type is gone. */
  async changes(who: Who): Promise<void> {
    for (const [tenant, since] of this.feeds)
      for (const portion of inPortions(this.types, ({ scalars }) => scalars.length + 8)) {
        const ask = (types: readonly TypeOf[]) =>
          this.crawl.graph(
            who,
            `query ($since: String, $types: [ObjectType!]) { changes(since: $since, types: $types, first: 1000) {
              nodes { type id action at node { __typename id ${portion.map(({ name }) => `...all${name}`).join(' ')} } }
              endCursor hasNextPage } }\n${fragmentsOf(portion)}`,
            { since, types: types.map(({ table }) => table) },
          );
        const readable = portion.filter(({ table }) => mayList(who, table));
        const isTheirs = tenant === who.tenant;
        const isWhole = readable.length === portion.length;
        const answer = await ask(portion);
        // The cursor of another account is none here.
        const code = who.tenant && isWhole ? 'BAD_REQUEST' : 'FORBIDDEN';
        this.crawl.judge(who, answer, ['changes'], answer.data?.changes, isTheirs && isWhole, { code });
        if (!isTheirs || readable.length === 0) continue;
        const told = (await ask(readable)).data?.changes.nodes as { id: string }[] | undefined;
        this.judgeChanges(
          who,
          told ?? [],
          readable.flatMap(({ table }) => this.world.changed(tenant!, table)),
        );
      }
    const query =
      'query ($since: String) { changes(since: $since, first: 1000) { nodes { type id action } } }';
    const { data } = await this.crawl.graph(who, query, { since: this.feeds.get(who.tenant) });
    for (const { type } of (data?.changes?.nodes ?? []) as { type: string }[])
      if (!mayList(who, type)) this.crawl.fault(who, `the changes tell of ${type}`);
  }

  private judgeChanges(who: Who, told: { id: string }[], changed: Place[]): void {
    const ids = new Set(told.map(({ id }) => id));
    for (const place of changed)
      if (sees(who, place) && !ids.has(this.world.idAt(place)))
        this.crawl.fault(who, `the changes leave out ${nameOf(place)}`);
    for (const id of ids) {
      const place = this.world.placeOf(id);
      if (place && !sees(who, place)) this.crawl.fault(who, `the changes tell of ${nameOf(place)}`);
    }
  }

  /* ---- who is not let in ---- */

  /** Every operation that there is once, with what it needs. */
  async asStranger(who: Who, code: Refusal): Promise<void> {
    const { schema } = this.crawl;
    const roots = { query: schema.getQueryType()!, mutation: schema.getMutationType()! };
    for (const [kind, type] of Object.entries(roots))
      for (const portion of inPortions(Object.values(type.getFields()), () => 1)) {
        const query = `${kind} { ${portion.map((field) => leastOf(field, unknownId)).join(' ')} }`;
        for (const { name } of portion) this.crawl.note(who, `${type.name}.${name}`);
        const call = { method: 'POST', path: '/graphql', body: { query } };
        this.crawl.refused(who, call, await this.crawl.send(who, call), code);
      }
  }
}

const nobody: Who = { name: 'nobody', level: 'anonymous', headers: {} };
