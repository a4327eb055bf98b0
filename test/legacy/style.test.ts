import fc from 'fast-check';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { toManys, toOnes } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import type { Values } from '../support/factory';
import { seed } from '../support/questions';

const app = useApp({ rows: 4 });
const types = allEntities().map(({ table }) => table);

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Does the key hold records: not values, and not JSON that an account keeps? */
const holdsRecords = (key: string, value: unknown): boolean =>
  !key.endsWith('_json') && (isRecord(value) || (Array.isArray(value) && value.every(isRecord)));

/** Every record in an answer: what stands beside it does not matter. */
function restyled(value: unknown, restyle: (record: Values) => Values): unknown {
  if (Array.isArray(value)) return value.map((each) => restyled(each, restyle));
  if (!isRecord(value)) return value;
  return restyle(
    Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        holdsRecords(key, inner) ? restyled(inner, restyle) : inner,
      ]),
    ),
  );
}

const withoutNulls = (record: Values): Values =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));

/** Its own id stands twice under the name of its type: nothing else has the same value under two such names. */
function withoutAliases(record: Values): Values {
  const own = Object.keys(record).filter(
    (key) => key.endsWith('_id') && record[key] === record.id && record[`${key}_random`] === record.id,
  );
  const kept = Object.entries(record).filter(
    ([key]) => !own.some((name) => key === name || key === `${name}_random`),
  );
  return { ...Object.fromEntries(kept), id_random: record.id };
}

test.each(types)('%s is answered as the caller of an old path wants it', async (type) => {
  const entity = entityOf(type);
  const parts = [...toOnes(entity), ...toManys(entity)].length > 0 ? ['view=detail'] : [];
  const children = toManys(entity).map(({ child }) => `inc_${child.table}_list=true`);
  const wishes = fc.record({
    by_alias: fc.constantFrom(undefined, 'true', 'false', 'False', '0'),
    exclude_unset: fc.constantFrom(undefined, 'true', '1', 'false'),
    exclude_none: fc.constantFrom(undefined, 'true', 'no'),
    return_meta: fc.constantFrom(undefined, 'true', 'false'),
    more: fc.constantFrom('', ...parts, children.slice(0, 3).join('&')),
    one: fc.boolean(),
  });
  const no = (text?: string) => /^(false|0)$/i.test(text ?? '');
  const yes = (text?: string) => /^(true|1)$/i.test(text ?? '');
  await fc.assert(
    fc.asyncProperty(wishes, async ({ more, one, ...wished }) => {
      const given = Object.entries(wished).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
      const query = [...given, more].join('&');
      const all = 'enabled=all&hidden=all';
      const place = one ? `/${app.here.rows[type]![0]!.id}` : `/list`;
      const twin = await app.root().call('GET', `/v3/crud/${type}${one ? place : '/'}?${more}&${all}`);
      const { body } = await app.root().call('GET', `/crud/${type}${place}?${query}&${all}`);
      let data = twin.data as unknown;
      if (no(wished.by_alias)) data = restyled(data, withoutAliases);
      if (yes(wished.exclude_unset) || yes(wished.exclude_none)) data = restyled(data, withoutNulls);
      expect({ query, body }).toEqual({
        query,
        body: no(wished.return_meta) ? { data } : { data, meta: twin.meta },
      });
    }),
    { numRuns: 8, seed },
  );
});

test('a long list is as short as it is asked to be, page by page', async () => {
  const query = 'limit=9999&by_alias=false&exclude_none=true&return_meta=false';
  const body = { name: 'Many', event_id: app.here.rows.event![0]!.id };
  await Promise.all(
    Array.from({ length: 260 }, () => app.staff().call('POST', '/v3/crud/event_location/', body)),
  );
  const twin = await app.staff().call('GET', '/v3/crud/event_location/?limit=9999');
  expect(twin.data.length).toBeGreaterThan(250);
  const { body: answered } = await app.staff().call('GET', `/v2/crud/event_location/list?${query}`);
  expect(answered).toEqual({ data: restyled(restyled(twin.data, withoutAliases), withoutNulls) });
});

test('what is written is answered so, too; a failure always says why', async () => {
  const body = { name: 'New', event_id: app.here.rows.event![0]!.id };
  const query = 'by_alias=false&exclude_unset=true&return_meta=false';
  const made = await app.staff().call('POST', `/event_location?${query}`, body);
  expect(Object.keys(made.body)).toEqual(['data']);
  expect(made.data).toMatchObject({ name: 'New', id_random: made.data.id, event_id: body.event_id });
  expect(made.data).not.toHaveProperty('event_location_id');
  expect(Object.values(made.data)).not.toContain(null);
  const path = `/event_location/${made.data.id}?${query}`;
  expect((await app.staff().call('PATCH', `${path}&return_obj=false`, {})).body).toEqual({
    data: made.data.id,
  });
  expect((await app.staff().call('DELETE', path)).data).toMatchObject({
    hide: true,
    id_random: made.data.id,
  });
  const refused = await app.staff().rest('PATCH', path, { colour: 'red' });
  expect(refused).toMatchObject({ status: 400, body: { data: false, meta: { details: expect.anything() } } });
});
