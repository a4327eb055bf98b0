import { allEntities, entityOf } from '../../src/kernel/entity';
import { isRequired, isWritable } from '../../src/kernel/input-types';
import { useApp, keepsRows } from '../support/app';
import { unknownId, type RestAnswer } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { bodyOf } from '../support/rest';

const app = useApp();
const rows = keepsRows(app);

const types = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .map(({ table }) => table);

/** Names of fields, whatever else an answer says of them. */
const fieldsOf = ({ meta }: RestAnswer): string[] => Object.keys(meta.details).sort();

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const newBody = () => bodyOf(entity, valuesFor(entity, app.here, nextNumber()));
  const validate = (body: unknown, caller = app.root()) => caller.rest('POST', `${path}/validate`, body);

  test('what can be created is found valid, and nothing is written', async () => {
    const body = newBody();
    for (const at of ['validate', 'validate/']) {
      const answer = await app.root().rest('POST', `${path}/${at}`, body);
      expect(answer).toMatchObject({ status: 200, data: true, meta: { success: true } });
    }
    // It is still free to be made, whatever of it must be unique.
    expect((await validate(body)).data).toBe(true);
  });

  test('what create refuses is refused alike, in a map of fields where it is about fields', async () => {
    const { id: taken } = app.here.rows[type]![0]!;
    const existing = bodyOf(entity, app.here.rows[type]![0]!.values);
    const reference = [...entity.attributes.values()].find((each) => isWritable(each) && each.ref);
    const unique = [...entity.attributes.values()].find((each) => isWritable(each) && each.unique);
    const bodies: Values[] = [
      {},
      { ...newBody(), nonsense: 1 },
      { ...newBody(), enable: 'perhaps' },
      ...(entity.attributes.has('name') ? [{ ...newBody(), name: 'x'.repeat(256) }] : []),
      ...(entity.attributes.has('sort') ? [{ ...newBody(), sort: 'seven', cfg_json: '{' }] : []),
      ...(reference ? [{ ...newBody(), [reference.column]: unknownId() }] : []),
      ...(reference
        ? [{ ...newBody(), [reference.column]: app.there.rows[reference.ref!.type]![0]!.id }]
        : []),
      ...(unique ? [{ ...newBody(), [unique.column]: existing[unique.column] }] : []),
      { ...newBody(), id: taken },
    ];
    for (const body of bodies) {
      const checked = await validate(body);
      const created = await app.root().rest('POST', `${path}/`, body);
      expect({ body, status: checked.status }).toEqual({ body, status: created.status });
      if (created.status === 200) {
        await app.root().call('DELETE', `${path}/${created.data.id}?method=delete`);
        continue;
      }
      expect(checked.data).toBe(false);
      if (created.status !== 400) expect(checked.meta.details).toEqual(created.meta.details);
      else if (!created.meta.details.category) expect(checked.meta.details).toEqual(created.meta.details);
      // A broken reference, or a duplicate: told of the field.
      else
        expect(Object.keys(checked.meta.details)).toContain(
          (created.meta.details.code === 1452 ? reference : unique)!.column,
        );
    }
    await rows.settle();
  });

  test('everything that is wrong is told at once, each by its name', async () => {
    const required = [...entity.attributes.values()].filter(isRequired);
    if (required.length === 0 || !entity.attributes.has('sort')) return;
    const answer = await validate({ nonsense: 1, sort: 'x' });
    expect(answer.status).toBe(400);
    expect(fieldsOf(answer)).toEqual(['nonsense', 'sort', ...required.map(({ column }) => column)].sort());
    const created = await app.root().rest('POST', `${path}/`, { nonsense: 1, sort: 'x' });
    expect(created.meta.details).toEqual(answer.meta.details);
  });

  test('asks for the level that creating needs', async () => {
    for (const caller of [app.guest(), app.nobody()]) {
      const answer = await validate(newBody(), caller);
      expect(answer).toMatchObject({
        status: 403,
        data: false,
        meta: { details: { category: 'forbidden' } },
      });
    }
  });

  test('is an operation of the graph', async () => {
    const values = valuesFor(entity, app.here, nextNumber());
    const query = `mutation ($input: Create${entity.name}Input!) { valid: validate${entity.name}(input: $input) }`;
    expect(await app.root().ask(query, { input: values })).toEqual({ valid: true });
    const [name] = [...entity.attributes.values()]
      .filter((each) => isWritable(each) && each.ref)
      .map((each) => each.name);
    if (name === undefined) return;
    const broken = await app.root().graphql(query, { input: { ...values, [name]: unknownId() } });
    expect(broken.code).toBe('DATABASE_CONSTRAINT');
    expect((await app.guest().graphql(query, { input: values })).code).toBe('FORBIDDEN');
  });
});

test('a check while others write disturbs nobody, and sees what they have written', async () => {
  const body = (n: number) => ({
    fqdn: `host-${String(n)}.example.org`,
    site_id: app.here.rows.site![0]!.id,
  });
  const many = [...Array(12).keys()];
  const answers = await Promise.all(
    many.flatMap((n) => [
      app.root().rest('POST', '/v3/crud/site_domain/validate', body(n)),
      app.root().rest('POST', '/v3/crud/site_domain/', body(n)),
    ]),
  );
  const created = answers.filter((_, i) => i % 2 === 1);
  expect(created.map(({ status }) => status)).toEqual(many.map(() => 200));
  for (const n of many) {
    const again = await app.root().rest('POST', '/v3/crud/site_domain/validate', body(n));
    expect(again).toMatchObject({
      status: 400,
      data: false,
      meta: { details: { fqdn: expect.any(String) } },
    });
  }
  await rows.settle();
});
