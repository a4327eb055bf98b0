import { useApp } from '../support/app';
const app = useApp();
test('x', async () => {
  const id = app.here.rows.event_session![0]!.id;
  for (let i = 0; i<3;i++) {
  console.log(JSON.stringify(await app.manager().graphql(`{ node(id: "${id}", type: event_session) { __typename id ... on EventSession { name } } nodes(ids: ["${id}"], type: event_session) { id } eventFiles { nodes { for { __typename id } } } hostedFileLinks { nodes { linkTo { __typename id ... on EventSession { name } } } } }`)));
  }
});
