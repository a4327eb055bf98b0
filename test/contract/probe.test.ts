import { useApp } from '../support/app';
const app = useApp();
test('x', async () => {
  for (let i = 0; i < 3; i++) {
  const a = await app.manager().graphql('mutation ($i: CreateEventLocationInput!) { createEventLocation(input: $i) { eventLocation { id } } }', {i: {name: 4}});
  console.log(JSON.stringify(a));
  }
});
