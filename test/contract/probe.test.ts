import { useApp } from '../support/app';
const app = useApp({ rows: 2 });
test('x', async () => {
  const pad = (n: number) => String(n).padStart(11, 'a');
  const out: unknown[] = [];
  for (const n of [200, 2000, 20000, 40000, 60000])
    for (const field of ['id', 'event_id', 'name']) {
      const t = Date.now();
      const r = await app.staff().rest('POST', '/v3/crud/event_session/search', { and: [{ field, op: 'in', value: [...Array(n).keys()].map(pad) }] });
      out.push([n, field, r.status, Date.now() - t, r.status === 200 ? '' : r.meta?.status_message]);
    }
  for (const q of ['nodes(ids: $ids, type: event) { id }']) void q;
  console.log(out.map((o) => JSON.stringify(o)).join('\n'));
  console.log(app.logged.splice(0).map((l) => JSON.stringify(l).slice(0, 300)).join('\n'));
}, 600000);
