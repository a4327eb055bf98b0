import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isRequired, isWritable } from '../../src/kernel/input-types';
import { atLeast, type Level } from '../../src/kernel/levels';
import { referencesTo } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';

const app = useApp();
const types = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .map(({ table }) => table);

const make = async (entity: Entity, given: Values = {}): Promise<{ id: string }> => {
  if (entity.access.create === 'never') return (await seedMore(app.services, entity, app.here, [given]))[0]!;
  const values = { ...neededValues(entity), enable: true, hide: false, ...given };
  const known = Object.fromEntries(Object.entries(values).filter(([name]) => entity.attributes.has(name)));
  const { data, errors } = await graph.create(app.root(), entity, known);
  expect(errors).toBeUndefined();
  return data.payload.object as { id: string };
};

function neededValues(entity: Entity): Values {
  const values = valuesFor(entity, app.here, nextNumber());
  const needed = [...entity.attributes.values()].filter(isRequired).map(({ name }) => [name, values[name]]);
  return Object.fromEntries(needed) as Values;
}

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const isListed = async (id: string, query = ''): Promise<boolean> => {
    const search = await app
      .root()
      .call('POST', `${path}/search?${query}`, { and: [{ field: 'id', op: 'eq', value: id }] });
    return search.data.length === 1;
  };
  // An account sees itself alone.
  const listed = entity.tenant !== 'self';

  test.each(['rest', 'graph'] as const)(
    'is hidden, and is then in the lists that ask for hidden ones, %s',
    async (way) => {
      const { id } = await make(entity);
      const answer =
        way === 'rest'
          ? await app.root().rest('DELETE', `${path}/${id}`)
          : await graph.remove(app.root(), entity, id, 'HIDE');
      if (!entity.attributes.has('hide')) {
        expect('code' in answer ? answer.code : answer.status).toBe(way === 'rest' ? 400 : 'BAD_REQUEST');
        return;
      }
      expect((way === 'rest' ? answer.data : answer.data.payload.object).hide).toBe(true);
      if (!listed) return;
      expect(await isListed(id)).toBe(false);
      expect(await isListed(id, 'hidden=hidden')).toBe(true);
      expect(await isListed(id, 'hidden=all')).toBe(true);
      expect((await app.root().rest('GET', `${path}/${id}`)).status).toBe(200);
    },
  );

  test.each(['rest', 'graph'] as const)(
    'is disabled, and is then in the lists that ask for disabled ones, %s',
    async (way) => {
      const { id } = await make(entity);
      const answer =
        way === 'rest'
          ? await app.root().rest('DELETE', `${path}/${id}?method=disable`)
          : await graph.remove(app.root(), entity, id, 'DISABLE');
      if (!entity.attributes.has('enable')) {
        expect('code' in answer ? answer.code : answer.status).toBe(way === 'rest' ? 400 : 'BAD_REQUEST');
        return;
      }
      expect((way === 'rest' ? answer.data : answer.data.payload.object).enable).toBe(false);
      if (!listed) return;
      expect(await isListed(id)).toBe(false);
      expect(await isListed(id, 'enabled=not_enabled')).toBe(true);
      expect(await isListed(id, 'enabled=all')).toBe(true);
    },
  );

  test('is deleted for good, and answered once more as it was', async () => {
    for (const way of ['rest', 'graph'] as const) {
      const { id } = await make(entity);
      const before = await app.root().call('GET', `${path}/${id}`);
      const answer =
        way === 'rest'
          ? await app
              .as(entity.access.remove)
              .with(await owner(id))
              .rest('DELETE', `${path}/${id}/?method=delete`)
          : await graph.remove(app.root(), entity, id, 'DELETE');
      expect(answer.status).toBe(200);
      expect((way === 'rest' ? answer.data : answer.data.payload.object).id).toBe(id);
      if (way === 'rest' && entity.access.remove === 'super') expect(answer.data).toEqual(before.data);
      expect(await app.rowOf(type, id)).toBeUndefined();
      expect(await app.root().rest('GET', `${path}/${id}`)).toMatchObject({
        status: 404,
        data: false,
        meta: { details: { category: 'not_found' } },
      });
      expect((await graph.read(app.root(), entity, id)).code).toBe('NOT_FOUND');
      expect((await app.root().rest('PATCH', `${path}/${id}`, {})).status).toBe(404);
      expect((await app.root().rest('DELETE', `${path}/${id}`)).status).toBe(404);
    }
  });

  /** Headers of the person whose the object is, where only that person may remove it at the lowest level. */
  async function owner(id: string): Promise<Record<string, string>> {
    const { own, remove, readAll, writeAll = readAll } = entity.access;
    if (own === undefined || writeAll === undefined || atLeast(remove as Level, writeAll)) return {};
    const { sequelize } = app.services.database;
    const member = app.here.rows.person!.find(({ values }) => values.externalPersonId)!;
    const { id: pk } = (await app.rowOf('person', member.id)) as { id: number };
    const [name = '', rest] = own.split('.');
    const row = (await app.rowOf(type, id))!;
    const { ref, column } = entity.attributes.get(name)!;
    const [table, owning, key] = rest ? [ref!.type, 'person_id', row[column]] : [type, column, row.id];
    await sequelize.query(`UPDATE \`${table}\` SET \`${owning}\` = ? WHERE id = ?`, {
      replacements: [ref ? pk : member.values.externalPersonId, key],
    });
    return (await app.signedIn(remove, { person: member.id })).headers;
  }
});

describe('when an object is deleted', () => {
  // Accounts, which are not each other's, have a test of their own below.
  const parents = types.map(entityOf).filter(({ tenant }) => tenant !== 'self');
  const references = parents.flatMap((parent) =>
    referencesTo(parent)
      .filter(({ attribute }) => isWritable(attribute) && !attribute.ref?.through)
      .map(({ entity: child, attribute }) => {
        const onRemove = attribute.ref?.onRemove ?? attribute.any?.onRemove ?? 'cascade';
        return { parent: parent.table, child: child.table, attribute, name: attribute.name, onRemove };
      }),
  );

  test.each(references)(
    '$parent: $onRemove for $child by $name',
    async ({ parent, child, attribute, onRemove }) => {
      const above = await make(entityOf(parent));
      const below = await make(entityOf(child), {
        [attribute.name]: above.id,
        ...(attribute.any && { [attribute.any.typeAttribute]: parent }),
      });
      const answer = await app.root().rest('DELETE', `/v3/crud/${parent}/${above.id}?method=delete`);
      if (onRemove === 'restrict') {
        expect(answer).toMatchObject({
          status: 400,
          meta: { details: { category: 'database_constraint', code: 1451 } },
        });
        expect(await app.rowOf(parent, above.id)).toBeDefined();
        expect((await app.rowOf(child, below.id))?.[attribute.column]).not.toBeNull();
        return;
      }
      expect({ status: answer.status, meta: answer.meta }).toMatchObject({ status: 200 });
      expect(await app.rowOf(parent, above.id)).toBeUndefined();
      const left = await app.rowOf(child, below.id);
      if (onRemove === 'cascade') expect(left).toBeUndefined();
      else expect(left).toMatchObject({ [attribute.column]: null });
    },
  );

  test('an event takes everything of it along, and nothing else', async () => {
    const event = entityOf('event');
    const counts = async () =>
      Object.fromEntries(
        await Promise.all(types.map(async (type) => [type, await app.countRows(type)] as const)),
      );
    const before = await counts();
    const { id } = await make(event);
    const session = await make(entityOf('event_session'), { eventId: id });
    const presentation = await make(entityOf('event_presentation'), { eventSessionId: session.id });
    const presenter = await make(entityOf('event_presenter'), { eventPresentationId: presentation.id });
    const location = await make(entityOf('event_location'), { eventId: id });
    for (const [forType, forId] of Object.entries({
      event: id,
      event_session: session.id,
      event_presentation: presentation.id,
      event_presenter: presenter.id,
      event_location: location.id,
    })) {
      const file = await make(entityOf('event_file'), {
        forType,
        forId,
        filename: 'https://example.org/a.pdf',
      });
      await make(entityOf('hosted_file_link'), { linkToType: 'event_file', linkToId: file.id });
    }
    const badge = await make(entityOf('event_badge'), { eventId: id });
    const exhibit = await make(entityOf('event_exhibit'), { eventId: id });
    await make(entityOf('event_exhibit_tracking'), { eventExhibitId: exhibit.id, eventBadgeId: badge.id });
    const person = await make(entityOf('event_person'), { eventId: id });
    await make(entityOf('event_person_profile'), { eventPersonId: person.id });
    const others = ['badge_template', 'track', 'device', 'registration', 'abstract'];
    for (const type of others) await make(entityOf(`event_${type}`), { eventId: id });
    await app.administrator().call('DELETE', `/v3/crud/event/${id}?method=delete`);
    expect(await counts()).toEqual(before);
  });

  test('what belongs to each other in a circle goes together', async () => {
    const contact = await make(entityOf('contact'));
    const address = await make(entityOf('address'), { forType: 'contact', forId: contact.id });
    const path = `/v3/crud/contact/${contact.id}`;
    await app.staff().call('PATCH', path, { for_type: 'address', for_id: address.id });
    await app.administrator().call('DELETE', `${path}?method=delete`);
    expect(await app.rowOf('contact', contact.id)).toBeUndefined();
    expect(await app.rowOf('address', address.id)).toBeUndefined();
  });

  test('an account is deleted only when it is empty, and only by super', async () => {
    const account = entityOf('account');
    const { id } = await make(account);
    const person = await app.as('super', id).call('POST', '/v3/crud/person/', { given_name: 'Ann' });
    for (const caller of [app.as('manager', id), app.as('administrator', id)])
      expect((await caller.rest('DELETE', `/v3/crud/account/${id}?method=delete`)).status).toBe(403);
    const refused = await app.as('super', id).rest('DELETE', `/v3/crud/account/${id}?method=delete`);
    expect(refused).toMatchObject({ status: 400, meta: { details: { code: 1451 } } });
    await app.as('super', id).call('DELETE', `/v3/crud/person/${person.data.id}?method=delete`);
    await app.root().call('DELETE', `/v3/crud/account/${id}?method=delete`);
    expect(await app.rowOf('account', id)).toBeUndefined();
    expect((await app.as('trusted', id).rest('GET', '/v3/crud/event/')).status).toBe(403);
  });
});
