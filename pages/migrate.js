'use strict';

/*
 * The page that shows an operator which programs still call what is deprecated, and what replaces each call. All that it shows comes
 * from the graph as text, and is never taken for markup. Who has signed in is known to this tab alone.
 */

const root = document.getElementById('migrate');
const { ide, caller } = root.dataset;
const demo = caller ? JSON.parse(caller) : undefined;
const storage = 'aether-operator';

/** Who has signed in: `{ key, account, token }`. */
let operator = JSON.parse(sessionStorage.getItem(storage) ?? 'null');
const asked = { days: 30, quietDays: 30, words: '' };

/* ---- small helpers ---- */

/** An element with these properties, and children: elements, texts, and nothing for what is left out. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties))
    if (key.includes('-') || key === 'for' || key === 'role') element.setAttribute(key, value);
    else element[key] = value;
  element.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

const show = (...children) => root.replaceChildren(...children.filter(Boolean));

const number = (value) => value.toLocaleString('en');
const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

const spans = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** When something was: "3 hours ago", and exactly where the pointer rests on it. */
function moment(iso) {
  if (!iso) return make('span', { className: 'faint' }, 'never');
  const ms = new Date(iso).getTime() - Date.now();
  const [unit, span] = spans.find(([, each]) => Math.abs(ms) >= each) ?? ['minute', 60_000];
  const text = Math.abs(ms) < 60_000 ? 'just now' : relative.format(Math.round(ms / span), unit);
  return make('time', { dateTime: iso, title: `${iso.slice(0, 16).replace('T', ' ')} UTC` }, text);
}

const headersOf = ({ key, account, token }) => ({
  'x-aether-api-key': key,
  ...(account ? { 'x-account-id': account } : { 'x-no-account-id': 'all' }),
  ...(token && { authorization: `Bearer ${token}` }),
});

/** The data of an operation. @throws with what the server says is wrong */
async function ask(query, variables, who = operator) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headersOf(who) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
  return data;
}

/** What went wrong, for people. */
function told(error) {
  if (error instanceof TypeError) return 'The server cannot be reached. Is it running, and are you online?';
  return error instanceof SyntaxError
    ? 'Something on the way to the server answered in its place.'
    : error.message;
}

/* ---- signing in ---- */

const ways = {
  token: { name: 'Token', fields: [['token', 'Token', 'A JWT of level manager', true]] },
  passcode: {
    name: 'Passcode',
    fields: [
      ['site', 'Site', 'Id of the site'],
      ['passcode', 'Passcode', 'Of level manager', true],
    ],
  },
  password: {
    name: 'Password',
    fields: [
      ['username', 'User name', ''],
      ['password', 'Password', '', true],
    ],
  },
  key: { name: 'Key alone', fields: [] },
};

function field([name, label, placeholder, secret], value = '') {
  const input = make('input', {
    ...{ id: `field-${name}`, name, value, placeholder, type: secret ? 'password' : 'text' },
    ...{ autocomplete: 'off', spellcheck: false, required: name !== 'account' },
  });
  return make('div', { className: 'field' }, make('label', { for: input.id }, label), input);
}

function signInPage(message) {
  let way = demo ? 'passcode' : 'token';
  const fields = make('div', { className: 'fields' });
  const choices = make('div', { className: 'choices', role: 'radiogroup', 'aria-label': 'How you sign in' });
  const choose = (chosen) => {
    way = chosen;
    fields.replaceChildren(...ways[way].fields.map((each) => field(each, demo?.[each[0]])));
    for (const button of choices.children) button.setAttribute('aria-checked', String(button.value === way));
  };
  for (const [value, { name }] of Object.entries(ways))
    choices.append(
      make('button', { type: 'button', value, role: 'radio', onclick: () => choose(value) }, name),
    );
  choose(way);

  const problem = make('p', { className: 'problem', role: 'alert', hidden: !message }, message ?? '');
  const button = make('button', { className: 'primary' }, 'Show what is still called');
  const form = make(
    'form',
    {
      async onsubmit(event) {
        event.preventDefault();
        const values = Object.fromEntries(
          [...new FormData(form)].map(([name, value]) => [name, value.trim()]),
        );
        button.disabled = true;
        problem.hidden = true;
        try {
          operator = await signIn(way, values);
          sessionStorage.setItem(storage, JSON.stringify(operator));
          await load();
        } catch (error) {
          problem.textContent = told(error);
          problem.hidden = false;
        } finally {
          button.disabled = false;
        }
      },
    },
    field(['key', 'API key', 'x-aether-api-key', true], demo?.key),
    field(['account', 'Account', 'Id; empty for all, which super may see'], demo?.account),
    choices,
    fields,
    problem,
    button,
  );
  show(
    make(
      'section',
      { className: 'card sign-in' },
      make('h1', {}, 'Leave the old API'),
      make(
        'p',
        { className: 'lead' },
        'Which programs still call what is deprecated, how often and when last, and the GraphQL operation that gives each of them the same data.',
      ),
      form,
      make('p', { className: 'faint' }, 'What you enter stays in this tab, and is gone when you close it.'),
    ),
  );
  form.elements.key.focus();
}

async function signIn(way, { key, account, token, site, passcode, username, password }) {
  const who = { key, account };
  if (way === 'token') return { ...who, token };
  if (way === 'key') return who;
  const { signedIn } =
    way === 'passcode'
      ? await ask(
          'mutation ($site: ID!, $passcode: String!) { signedIn: signInWithPasscode(siteId: $site, passcode: $passcode) { jwt } }',
          { site, passcode },
          who,
        )
      : await ask(
          'mutation ($username: String!, $password: String!) { signedIn: signIn(username: $username, password: $password) { jwt } }',
          { username, password },
          who,
        );
  return { ...who, token: signedIn.jwt };
}

function signOut(message) {
  operator = null;
  sessionStorage.removeItem(storage);
  signInPage(message);
}

/* ---- what is still called ---- */

const question = `query ($since: DateTime, $quietDays: Int!) { legacyUsage(since: $since, quietDays: $quietDays) {
  countedSince
  uses { route generation type keyId keyName accountId client clientVersion calls failures lastOn replacement
    operation { name document variables } days { day calls } }
  routes { route generation summary replacement sunset calls lastOn safeToRemove } } }`;

let turn = 0;

/** Shows what there is, or why it cannot be shown; who is not let in signs in again. */
async function load() {
  const mine = (turn += 1);
  show(
    bar(),
    make(
      'div',
      { className: 'loading', role: 'status' },
      make('span', { className: 'spinner' }),
      'Reading the ledger…',
    ),
  );
  const since = new Date(Date.now() - asked.days * 86_400_000).toISOString();
  try {
    const { legacyUsage } = await ask(question, { since, quietDays: asked.quietDays });
    await fillIn(legacyUsage.uses);
    // What was asked for meanwhile comes later.
    if (mine === turn) show(bar(), ...report(legacyUsage));
  } catch (error) {
    if (mine !== turn) return;
    if (error.code === 'UNAUTHENTICATED' || error.code === 'FORBIDDEN') {
      signOut(told(error));
      return;
    }
    show(
      bar(),
      make(
        'div',
        { className: 'card state', role: 'alert' },
        make('h2', {}, 'This did not work'),
        make('p', {}, told(error)),
        make('button', { className: 'primary', onclick: load }, 'Try again'),
      ),
    );
  }
}

/** Queries of one object get the id of one that there is, so that they can be run as they are. */
async function fillIn(uses) {
  const open = uses.filter(
    ({ operation, type }) => type && operation?.name.startsWith('query') && operation.variables.id,
  );
  await Promise.all(
    [...new Set(open.map(({ type }) => type))].map(async (type) => {
      const response = await fetch(`/v3/crud/${type}/?limit=1`, { headers: headersOf(operator) });
      const { data: records } = await response.json();
      const [record] = records || [];
      if (record) for (const use of open) if (use.type === type) use.operation.variables.id = record.id;
    }),
  ).catch(() => {
    // It is a help; without it the sender puts an id there.
  });
}

function bar() {
  const choice = (label, name, values) =>
    make(
      'label',
      {},
      label,
      make(
        'select',
        {
          onchange(event) {
            asked[name] = Number(event.target.value);
            load();
          },
        },
        values.map((value) => make('option', { value, selected: value === asked[name] }, `${value} days`)),
      ),
    );
  return make(
    'header',
    { className: 'bar' },
    make('h1', {}, 'Leave the old API'),
    make(
      'div',
      { className: 'controls' },
      choice('Calls of the last', 'days', [7, 30, 90, 365]),
      choice('Can go after', 'quietDays', [7, 30, 60, 90]),
      make('button', { type: 'button', onclick: load }, 'Refresh'),
      make('button', { type: 'button', onclick: saveTable }, 'CSV'),
      make('button', { type: 'button', onclick: () => signOut() }, 'Sign out'),
    ),
  );
}

async function saveTable({ target }) {
  const since = new Date(Date.now() - asked.days * 86_400_000).toISOString();
  target.disabled = true;
  try {
    const response = await fetch(`/v3/action/legacy/usage?format=csv&since=${encodeURIComponent(since)}`, {
      headers: headersOf(operator),
    });
    const href = URL.createObjectURL(await response.blob());
    make('a', { href, download: 'legacy-usage.csv' }).click();
    URL.revokeObjectURL(href);
  } catch (error) {
    target.title = told(error);
  } finally {
    target.disabled = false;
  }
}

function report({ countedSince, uses, routes }) {
  const programs = programsOf(uses);
  const calls = uses.reduce((sum, use) => sum + use.calls, 0);
  const free = routes.filter(({ safeToRemove }) => safeToRemove).length;
  const tile = (value, text, good) =>
    make('div', { className: `tile${good ? ' good' : ''}` }, make('b', {}, value), make('span', {}, text));
  return [
    make(
      'div',
      { className: 'tiles' },
      tile(
        number(programs.length),
        `${programs.length === 1 ? 'program calls' : 'programs call'} what is deprecated`,
      ),
      tile(number(calls), `${calls === 1 ? 'call' : 'calls'} in the last ${asked.days} days`),
      tile(`${free} of ${routes.length}`, 'deprecated routes and fields can go', free > 0),
    ),
    make(
      'p',
      { className: 'faint since' },
      countedSince
        ? ['Counting began ', moment(countedSince), ` (${countedSince.slice(0, 10)}). `]
        : 'Counting begins now. ',
      'What other servers answer is not counted here.',
    ),
    make('h2', {}, 'Programs'),
    ...(programs.length === 0 ? [nothing()] : programs.map(programCard)),
    make('h2', {}, 'What can go'),
    routeTable(routes),
  ];
}

const nothing = () =>
  make(
    'div',
    { className: 'card state' },
    make('h3', {}, 'Nothing that is deprecated was called'),
    make('p', {}, `In the last ${asked.days} days every program of this account used the graph or /v3.`),
  );

/** Uses by key, client and account; those with the most calls first. */
function programsOf(uses) {
  const programs = new Map();
  for (const use of uses) {
    const name = JSON.stringify([use.keyId, use.client, use.clientVersion, use.accountId]);
    const program = programs.get(name) ?? { ...use, uses: [], calls: 0 };
    programs.set(name, program);
    program.uses.push(use);
    program.calls += use.calls;
    if (use.lastOn > program.lastOn) program.lastOn = use.lastOn;
  }
  return [...programs.values()].sort((a, b) => b.calls - a.calls);
}

function programCard({ keyId, keyName, client, clientVersion, accountId, calls, lastOn, uses }) {
  return make(
    'section',
    { className: 'card program' },
    make(
      'header',
      {},
      make(
        'div',
        {},
        make('h3', {}, keyName ?? keyId ?? 'No known key'),
        make(
          'p',
          { className: 'faint' },
          make('span', { className: 'tag' }, `${client} ${clientVersion}`.trim()),
          keyId && [' key ', make('code', {}, keyId)],
          !operator.account && accountId && [' account ', make('code', {}, accountId)],
        ),
      ),
      make(
        'p',
        { className: 'sum' },
        make('b', {}, number(calls)),
        ` ${calls === 1 ? 'call' : 'calls'}, last `,
        moment(lastOn),
      ),
    ),
    ...uses.map(useRow),
  );
}

/** Method and path apart; a type in its place. */
function routeName({ route, type, generation }) {
  if (generation === 'GRAPH')
    return make('code', { className: 'route' }, make('span', { className: 'verb' }, 'graph'), route);
  const [verb, path] = route.split(' ');
  return make(
    'code',
    { className: 'route' },
    make('span', { className: `verb ${verb.toLowerCase()}` }, verb),
    type ? path.replace('{type}', type) : path,
  );
}

function useRow(use) {
  const { operation, replacement, calls, failures, lastOn, days } = use;
  return make(
    'details',
    { className: 'use' },
    make(
      'summary',
      {},
      routeName(use),
      bars(days),
      make(
        'span',
        { className: 'how-often' },
        plural(calls, 'call'),
        failures > 0 && make('span', { className: 'failures' }, ` ${number(failures)} failed`),
      ),
      make('span', { className: 'last' }, moment(lastOn)),
    ),
    make(
      'div',
      { className: 'instead' },
      operation
        ? operationView(operation)
        : make(
            'p',
            {},
            replacement
              ? 'No operation of the graph replaces it.'
              : 'What to use instead stands below, and in the schema.',
          ),
      replacement && make('p', { className: 'faint' }, 'In REST: ', make('code', {}, replacement)),
    ),
  );
}

/** Calls of each day as bars. */
function bars(days) {
  const counts = new Map();
  for (const { day, calls } of days) counts.set(day, (counts.get(day) ?? 0) + calls);
  const shown = Math.min(asked.days, 30);
  const list = Array.from({ length: shown }, (_, index) => {
    const day = new Date(Date.now() - (shown - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    return counts.get(day) ?? 0;
  });
  const most = Math.max(...list, 1);
  const draw = (name, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    return element;
  };
  const svg = draw('svg', {
    ...{ class: 'bars', viewBox: `0 0 ${shown * 4} 20`, preserveAspectRatio: 'none', role: 'img' },
    'aria-label': `Calls of the last ${shown} days, at most ${number(most)} a day`,
  });
  list.forEach((count, index) => {
    const height = count === 0 ? 1 : Math.max(2, (count / most) * 20);
    svg.append(
      draw('rect', { x: index * 4, y: 20 - height, width: 3, height, class: count === 0 ? 'none' : '' }),
    );
  });
  return svg;
}

function operationView({ name, document: text, variables }) {
  const json = JSON.stringify(variables, null, 2);
  const part = (title, content) =>
    make(
      'div',
      { className: 'part' },
      make('div', { className: 'part-head' }, make('h4', {}, title), copyButton(content)),
      make('pre', { tabIndex: 0 }, make('code', {}, content)),
    );
  return make(
    'div',
    { className: 'operation' },
    make(
      'div',
      { className: 'operation-head' },
      make('p', {}, 'The same from the graph: ', make('code', {}, name)),
      ide &&
        make(
          'button',
          { type: 'button', className: 'primary', onclick: () => openInIde(text, json) },
          'Open in the IDE',
        ),
    ),
    make('div', { className: 'parts' }, part('Operation', text), part('Variables', json)),
    json.includes('\u2026') &&
      make('p', { className: 'faint' }, '\u2026 stands for what the program has to put there.'),
  );
}

function copyButton(content) {
  const button = make('button', { type: 'button' }, 'Copy');
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(content);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Not allowed';
    }
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  };
  return button;
}

/** In a tab that this one opens, which knows who has signed in; behind a hash nothing is sent to any server. */
function openInIde(query, variables) {
  window.open(`${ide}#${new URLSearchParams({ query, variables })}`, '_blank');
}

function routeTable(routes) {
  const state = ({ safeToRemove, lastOn }) =>
    safeToRemove
      ? make('span', { className: 'badge good' }, 'safe to remove')
      : lastOn && Date.now() - new Date(lastOn).getTime() < asked.quietDays * 86_400_000
        ? make('span', { className: 'badge' }, 'in use')
        : make('span', { className: 'badge wait' }, 'not counted long enough');
  return make(
    'div',
    { className: 'card scroll' },
    make(
      'table',
      { className: 'routes' },
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ['Deprecated', 'State', 'Calls', 'Last', 'May go from'].map((title) =>
            make('th', { scope: 'col' }, title),
          ),
        ),
      ),
      make(
        'tbody',
        {},
        routes.map((route) =>
          make(
            'tr',
            {},
            make('td', {}, routeName(route), make('span', { className: 'faint summary' }, route.summary)),
            make('td', {}, state(route)),
            make('td', { className: 'count' }, plural(route.calls, 'call')),
            make('td', {}, moment(route.lastOn)),
            make('td', {}, route.sunset?.slice(0, 10) ?? ''),
          ),
        ),
      ),
    ),
  );
}

if (operator) load();
else signInPage();
