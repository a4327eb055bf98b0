import { entityOf, type Entity } from '../../src/kernel/entity';
import { isRequired } from '../../src/kernel/input-types';
import { toManys, type ToMany } from '../../src/kernel/registry';
import type { Values } from '../support/factory';
import { bodyOf } from '../support/rest';
import type { Answer, Call, Crawl, Refusal } from './crawl';
import {
  hasLevel,
  includes,
  isLimited,
  levelOf,
  mayChange,
  mayCreate,
  mayList,
  mayRead,
  ruleOf,
  sampleOf,
  sees,
  seesOne,
  type Place,
  type Way,
  type Who,
} from './expectations';
import { nameOf, unknownId, type World } from './world';

/** A route of the document: of a type, or of the children of a parent. */
interface Route {
  verb: string;
  path: string;
  type: string;
  /** What stands behind the type in the path. */
  rest: string;
  relation?: ToMany;
  /** Where it lies, of an older generation. */
  folder?: string;
}

type Due = Refusal | readonly Refusal[] | 'done';

const pattern = /^\/v3\/crud\/(\w+)\/(?:\{parent_id\}\/(\w+)\/)?(|\{id\}|search|validate|schema)$/;
const verbs = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);
const all = 'enabled=all&hidden=all';

/** A version that no object has: who gets as far as to be told so may do what was asked, and it is not done. */
const stale = { 'if-match': '"1999-01-01T00:00:00.000Z.0000000000000000000000000000000000000000000"' };

/** The routes of the document, asked as anybody; nothing is ever written. */
export class Rest {
  readonly routes: Route[] = [];
  /** Routes that are no CRUD. */
  readonly others: string[] = [];
  private readonly world: World;

  constructor(private readonly crawl: Crawl) {
    this.world = crawl.world;
    for (const [path, operations] of Object.entries(crawl.openapi.paths))
      for (const verb of Object.keys(operations).map((each) => each.toUpperCase())) {
        if (!verbs.has(verb)) continue;
        const [matched, first = '', child, rest = ''] = pattern.exec(path) ?? [];
        const relation = child && toManys(entityOf(first)).find((each) => each.child.table === child);
        if (matched === undefined) this.others.push(`${verb} ${path}`);
        else this.routes.push({ verb, path, type: child ?? first, rest, ...(relation && { relation }) });
      }
  }

  /** The routes of all types. */
  async flat(who: Who): Promise<void> {
    await this.each(
      this.routes.filter(({ relation }) => !relation),
      (route) => this.askType(who, route),
    );
  }

  /** The older ones, which stand for any type. */
  async older(who: Who): Promise<void> {
    const types = [...new Set(this.routes.map(({ type }) => type))];
    const routes = this.others.flatMap((route): Route[] => {
      const [verb = '', path = ''] = route.split(' ');
      const [, base, end = ''] = /^(.*)\/\{type\}(|\/list|\/\{id\})$/.exec(path) ?? [];
      if (base === undefined) return [];
      const rest = end === '/{id}' ? '{id}' : '';
      return types
        .filter((type) => !(verb === 'DELETE' && type === 'hosted_file' && !base.endsWith('crud')))
        .map((type) => ({ verb, path, type, rest, folder: `${base}/${type}` }));
    });
    await this.each(routes, (route) => this.askType(who, route));
  }

  /** Those below a parent: the caller's, and one of the other account. */
  async nested(who: Who): Promise<void> {
    const home = who.tenant ?? 'here';
    const away = home === 'here' ? 'there' : 'here';
    await this.each(
      this.routes.filter(({ relation }) => relation),
      async (route) => {
        const type = route.relation!.parent.table;
        for (const tenant of [home, away] as const) await this.askBelow(who, route, { tenant, type, row: 0 });
      },
    );
  }

  /** Several at once: each waits for the other side most of the time. */
  private async each<T>(list: readonly T[], ask: (item: T) => Promise<void>): Promise<void> {
    const left = [...list];
    const work = async (): Promise<void> => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await ask(item);
    };
    await Promise.all([work(), work(), work(), work()]);
  }

  /** Calls, and compares what comes of it with what should: a refusal, or something that is as it should be. */
  private async expect(
    who: Who,
    call: Call,
    due: Due,
    isRight: (answer: Answer) => boolean = () => true,
  ): Promise<void> {
    const answer = await this.crawl.send(who, call);
    call = { form: 'crud', ...call };
    if (due !== 'done') {
      const codes = [due].flat();
      this.crawl.refused(
        who,
        call,
        answer,
        codes.length > 1 && answer.status === 404 ? 'NOT_FOUND' : codes[0]!,
      );
      return;
    }
    const { data, meta } = answer.json ?? {};
    if (answer.status !== 200 || meta?.success !== true || data === undefined || !isRight(answer))
      this.crawl.fault(
        who,
        `${call.method} ${call.path} is to be done and is ${answer.status} ${answer.text.slice(0, 300)}`,
      );
  }

  private async list(who: Who, call: Call, due: Due, expected: string[]): Promise<void> {
    await this.expect(who, call, due, ({ json: { data: nodes, meta } }) => {
      this.crawl.compare(who, `${call.method} ${call.path}`, { nodes, totalCount: meta.total }, expected);
      return meta.count === nodes.length;
    });
  }

  private async askType(who: Who, { verb, type, rest, folder: older }: Route): Promise<void> {
    const folder = older ?? `/v3/crud/${type}`;
    const path = older === undefined ? `${folder}/${rest}` : `${older}${verb === 'GET' ? '/list' : ''}`;
    const listed = mayList(who, type) ? 'done' : 'FORBIDDEN';
    const places = this.world.all(type);
    const expected = this.world.idsFor(who, type);
    switch (`${verb} ${rest}`) {
      case 'GET ':
        await this.list(who, { method: verb, path: `${path}?${all}&view=detail` }, listed, expected);
        // Records with all their parts take their time: the least and the strangest of callers ask for them.
        if (
          older !== undefined ||
          !(who.level === 'anonymous' || who.person !== undefined || who.tenant === 'there')
        )
          return;
        return this.list(
          who,
          { method: verb, path: `${path}?${all}${this.partsOf(type)}` },
          listed,
          expected,
        );
      case 'POST search': {
        const body = { or: [{ field: 'id', op: 'in', value: this.world.idsOf(places) }] };
        await this.list(who, { method: verb, path: `${path}?${all}&view=enriched`, body }, listed, expected);
        const secret = this.limited(who, type);
        const not = { not: { field: secret, op: 'is_null' } };
        return secret === undefined
          ? undefined
          : this.expect(who, { method: verb, path, body: not }, 'FORBIDDEN');
      }
      case 'GET schema':
        return this.expect(who, { method: verb, path }, 'done');
      case 'POST ':
      case 'POST validate': {
        const may = mayCreate(who, type);
        // It would be done.
        if (may && rest === '') return;
        const body = bodyOf(entityOf(type), this.world.inputFor(who, type));
        return this.expect(who, { method: verb, path, body }, may ? 'done' : 'FORBIDDEN', isTrue);
      }
      case 'GET {id}':
        return this.askOne(who, type, folder, places);
      default:
        return this.askChange(who, verb, type, folder, places);
    }
  }

  /** Parameters for every part that a record may bring along. */
  private partsOf(type: string): string {
    const parts = this.crawl.openapi.components.parameters[`parts_of_${type}`]?.schema.properties ?? {};
    return Object.keys(parts)
      .map((name) => `&${name}=true`)
      .join('');
  }

  /** A column that may be compared, but not by this caller. */
  private limited(who: Who, type: string): string | undefined {
    return [...entityOf(type).attributes.values()].find(({ name }) => {
      const level = levelOf(type, name);
      return level !== 'never' && isLimited(type, name) && !includes(who.level, level);
    })?.column;
  }

  private async askOne(who: Who, type: string, folder: string, places: Place[]): Promise<void> {
    const asked = sampleOf(who, places, (place) => seesOne(who, place));
    for (const place of mayRead(who, type) ? asked : asked.slice(0, 1)) {
      const id = this.world.idAt(place);
      const may = seesOne(who, place);
      const call = { method: 'GET', path: `${folder}/${id}?view=detail` };
      await this.expect(who, call, may ? 'done' : 'FORBIDDEN', ({ json }) => json.data.id === id);
      // Nobody is told that what they do not see has not changed.
      if (!may) await this.expect(who, { ...call, headers: { 'if-none-match': '*' } }, 'FORBIDDEN');
    }
    const due = mayRead(who, type) ? 'NOT_FOUND' : 'FORBIDDEN';
    await this.expect(who, { method: 'GET', path: `${folder}/${unknownId}` }, due);
  }

  private async askChange(
    who: Who,
    verb: string,
    type: string,
    folder: string,
    places: Place[],
  ): Promise<void> {
    for (const how of verb === 'DELETE' ? (['hide', 'disable', 'delete'] as const) : (['update'] as const)) {
      const way = how === 'disable' ? 'hide' : how;
      const isTheirs = (place: Place) => mayChange(who, place, way);
      const asked = sampleOf(who, places, isTheirs);
      for (const place of hasLevel(who, type, way) && how !== 'disable' ? asked : asked.slice(0, 1)) {
        const may = isTheirs(place);
        await this.expect(
          who,
          this.changing(who, folder, place, how, may),
          may ? 'PRECONDITION_FAILED' : 'FORBIDDEN',
        );
      }
    }
  }

  private changing(who: Who, folder: string, place: Place, how: Way | 'disable', may: boolean): Call {
    const path = `${folder}/${this.world.idAt(place)}`;
    const headers = may ? stale : undefined;
    if (how !== 'update') return { method: 'DELETE', path: `${path}?method=${how}`, headers };
    const body = bodyOf(entityOf(place.type), this.world.changeBy(who, place.type));
    return { method: 'PATCH', path, body, headers };
  }

  /* ---- below a parent ---- */

  private async askBelow(who: Who, { verb, type, rest, relation }: Route, parent: Place): Promise<void> {
    const folder = `/v3/crud/${parent.type}/${this.world.idAt(parent)}/${type}`;
    const path = `${folder}/${rest}`;
    const enters = sees(who, parent);
    const listed = enters && mayList(who, type) ? 'done' : 'FORBIDDEN';
    const children = this.world.linked(parent, { child: type, attribute: relation!.attribute.name });
    const expected = this.world.idsOf(children.filter((place) => sees(who, place)));
    switch (`${verb} ${rest}`) {
      case 'GET ':
        return this.list(who, { method: verb, path: `${path}?${all}` }, listed, expected);
      case 'POST search':
        return this.list(who, { method: verb, path: `${path}?${all}`, body: {} }, listed, expected);
      case 'GET schema':
        return this.expect(who, { method: verb, path }, enters ? 'done' : 'FORBIDDEN');
      case 'POST ':
      case 'POST validate':
        return this.createBelow(who, rest, relation!, parent);
      default:
        return this.askChild(who, verb, folder, { parent, enters, children });
    }
  }

  private async createBelow(who: Who, rest: string, relation: ToMany, parent: Place): Promise<void> {
    const { attribute, child } = relation;
    const may = mayCreate(who, child.table) && parent.tenant === who.tenant;
    // It would be done, or depends on whose it is.
    if (may && (rest === '' || ruleOf(child.table).owner)) return;
    const { [attribute.name]: given, ...input } = this.world.inputFor(who, child.table);
    const { [attribute.any?.typeAttribute ?? '']: type = parent.type, ...values } = input;
    const isThere = may && given !== undefined && type === parent.type;
    const above = isThere ? String(given) : this.world.idAt(parent);
    // What is taken from another parent would contradict this one.
    const body = bodyOf(child, may && !isThere ? withoutReferences(child, values) : values);
    const path = `/v3/crud/${parent.type}/${above}/${child.table}/${rest}`;
    await this.expect(who, { method: 'POST', path, body }, may ? 'done' : 'FORBIDDEN', isTrue);
  }

  private async askChild(
    who: Who,
    verb: string,
    folder: string,
    { enters, parent, children }: { enters: boolean; parent: Place; children: Place[] },
  ): Promise<void> {
    const [child] = children;
    const known = new Set(children.map(nameOf));
    const type = folder.split('/').at(-1)!;
    const others = this.world
      .all(type)
      .filter((place) => !known.has(nameOf(place)) && place.tenant !== 'all');
    // Of the parent's own account, if there is another: it is not below this parent all the same.
    const other = others.find(({ tenant }) => tenant === parent.tenant) ?? others[0];
    // Where the parent is out of sight, all below it is.
    for (const place of [child, enters || !child ? other : undefined].filter((each) => each !== undefined)) {
      const isBelow = place === child;
      const hidden: Due = isBelow ? ['FORBIDDEN', 'NOT_FOUND'] : 'NOT_FOUND';
      if (verb === 'GET') {
        const id = this.world.idAt(place);
        const due =
          !enters || !mayRead(who, type) ? 'FORBIDDEN' : isBelow && sees(who, place) ? 'done' : hidden;
        await this.expect(
          who,
          { method: verb, path: `${folder}/${id}` },
          due,
          ({ json }) => json.data.id === id,
        );
        continue;
      }
      for (const way of verb === 'DELETE' ? (['hide', 'delete'] as const) : (['update'] as const)) {
        const may = enters && isBelow && mayChange(who, place, way);
        const refused = !enters || !hasLevel(who, type, way) ? 'FORBIDDEN' : hidden;
        await this.expect(
          who,
          this.changing(who, folder, place, way, may),
          may ? 'PRECONDITION_FAILED' : refused,
        );
      }
    }
  }

  /* ---- who is not let in ---- */

  /** Every route once. */
  async asStranger(who: Who, code: Refusal): Promise<void> {
    const routes = [
      ...this.routes.map(({ verb, path }) => [verb, path] as const),
      ...this.others.map((route) => route.split(' ') as [string, string]),
    ].filter(([, path]) => path !== '/health');
    await this.each(routes, async ([verb, path]) => {
      const [parent = 'event', child = parent] =
        path.match(/(?<=\/v3\/(?:crud|action)\/(?:\w+\/\{parent_id\}\/)?|^\/)\w+/g) ?? [];
      const filled = path
        .replace('{type}', 'event')
        .replace('{parent_id}', this.idOf(parent))
        .replace('{id}', this.idOf(path.includes('{type}') ? 'event' : child))
        .replace('{sha256}', '0'.repeat(64))
        .replace('{uuid}', '5f0c8ae7-7d63-4c2c-9c0f-3f1f8c1f0a11');
      const body = verb === 'GET' || verb === 'DELETE' ? undefined : {};
      const isOlder = path.includes('{type}') || path.startsWith('/user/lookup');
      const call: Call = { method: verb, path: filled, body, ...(isOlder && { form: 'crud' }) };
      this.crawl.refused(who, call, await this.crawl.send(who, call), code);
    });
  }

  private idOf = (type: string): string =>
    this.world.objects.here[type] ? this.world.idOf('here', type) : unknownId;
}

const isTrue = ({ json }: Answer): boolean => json.data === true;

/** What must be given, and what leads nowhere. */
const withoutReferences = ({ attributes }: Entity, values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).filter(([name]) => {
      const attribute = attributes.get(name)!;
      return isRequired(attribute) || !(attribute.ref ?? attribute.any ?? attribute.kind === 'anyType');
    }),
  );
