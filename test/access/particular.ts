import { form, formType } from '../files/support';
import { refusals, type Call, type Crawl, type Refusal } from './crawl';
import { includes, mayList, sees, type Place, type Who } from './expectations';
import type { TypeOf } from './types';
import { lastRow, passwordOf, unknownId, type World } from './world';

/** One way to ask for an operation or a route of its own, and how that is to end for a caller. */
interface Case {
  /** The field of the graph, or the route of REST. */
  of: string;
  query?: string;
  variables?: Record<string, unknown>;
  call?: Call;
  /** One of these; none: nobody asks, since it would be done. */
  due: 'done' | Refusal | readonly Refusal[] | undefined;
  /** What is done is for this caller's eyes. */
  as?: Who;
  /** What the answer does not say. */
  withholds?: RegExp;
}

/** No such thing, or none of theirs: which of the two is told depends on who asks. */
const notTheirs = ['FORBIDDEN', 'NOT_FOUND'] as const;

/** Where some of the routes were in older generations. */
const movedTo: Record<string, string> = {
  '/v3/action/user/authenticate': 'GET /user/authenticate',
  '/v3/action/user/verify_password': 'POST /user/verify_password',
  '/v3/action/user/{id}/change_password': 'PATCH /user/{id}/change_password',
  '/v3/action/user/{id}/new_auth_key': 'GET /user/{id}/new_auth_key',
  '/v3/action/user/{id}/email_auth_key_url': 'GET /user/{id}/email_auth_key_url',
  '/v3/action/auth/authenticate_passcode': 'POST /api/authenticate_passcode',
  '/v3/action/hosted_file/{id}/download': 'GET /hosted_file/{id}/download',
};

const post = (path: string, body: object): Call => ({ method: 'POST', path, body });

/** Everything that is neither an operation of a type nor about all of them: each has its cases here. */
export class Particular {
  private readonly world: World;
  private addresses = 0;
  /** Each time other users are named: after ten wrong tries one would be locked. */
  private turn = 0;

  constructor(
    private readonly crawl: Crawl,
    private readonly types: readonly TypeOf[],
  ) {
    this.world = crawl.world;
  }

  /** What there are cases of. */
  get covered(): Set<string> {
    const who: Who = { name: '', tenant: 'here', level: 'anonymous', headers: {} };
    return new Set(this.cases(who).map(({ of }) => of));
  }

  async ask(who: Who): Promise<void> {
    this.turn += 1;
    for (const { of, query, variables, call, due, as, withholds } of this.cases(who)) {
      if (due === undefined) continue;
      // Wrong tries are counted by address.
      this.addresses += 1;
      const headers = { 'x-forwarded-for': `10.1.${this.addresses >> 8}.${this.addresses & 255}` };
      const caller = { ...who, headers: { ...who.headers, ...headers } };
      if (query) {
        const answer = await this.crawl.graph(caller, query, variables, as);
        if (withholds?.test(answer.text)) this.crawl.fault(who, `${of} tells more: ${answer.text}`);
        const code = answer.errors[0]?.extensions.code;
        const isRight =
          due === 'done' ? answer.errors.length === 0 && answer.data : [due].flat().includes(code as Refusal);
        if (!isRight)
          this.crawl.fault(
            who,
            `${of} ${JSON.stringify(variables)} is to be ${String(due)} and is ${answer.text.slice(0, 300)}`,
          );
      } else if (call) {
        const answer = await this.crawl.send(caller, call, as);
        if (due === 'done') {
          if (answer.status !== 200)
            this.crawl.fault(
              who,
              `${of} ${call.path} is to be done and is ${answer.status} ${answer.text.slice(0, 300)}`,
            );
        } else {
          const code =
            [due].flat().find((each) => refusals[each].status === answer.status) ?? [due].flat()[0]!;
          this.crawl.refused(who, call, answer, code);
        }
      }
    }
  }

  private cases(who: Who): Case[] {
    const [signIns, files] = [this.signIns(who), this.files(who)];
    const older = this.older(who, [...signIns, ...files]);
    return [...signIns, ...this.questions(who), ...this.keys(who), ...files, ...older];
  }

  private id = (type: string, row = 0): string => this.world.idOf('here', type, row);

  /** Users of `here`, the nth of whom has a level of its own: see the rules. */
  private signIns(who: Who): Case[] {
    const { tenant, level, person } = who;
    const isHere = tenant === 'here';
    const row = this.turn % lastRow;
    const user = this.id('user', row);
    const { username } = this.world.valuesOf({ tenant: 'here', type: 'user', row });
    const password = passwordOf({ tenant: 'here' });
    const code = (
      this.world.valuesOf({ tenant: 'here', type: 'site', row: 0 }).accessCodeKvJson as { trusted: string }
    ).trusted;
    // Of a manager: nobody below may become one.
    const manager = this.id('user', 1);
    const beyond =
      includes(level, 'manager') && isHere ? undefined : isHere || !tenant ? 'FORBIDDEN' : notTheirs;
    const domain = String(this.world.valuesOf({ tenant: 'there', type: 'site_domain', row: 0 }).fqdn);
    const rootUrl = `https://${domain}/sign-in`;
    const link = tenant === 'there' ? 'NOT_FOUND' : 'UNPROCESSABLE';
    const isFew = level === 'anonymous' || who.person === 0 || level === 'manager';
    const wrong = isFew ? (tenant === 'there' ? notTheirs : 'FORBIDDEN') : undefined;
    const given = isHere ? 'a wrong password' : password;
    const guess = isHere && level !== 'anonymous' ? undefined : wrong;
    const right = isHere ? 'done' : wrong;
    const passcode = tenant === 'there' ? 'NOT_FOUND' : 'done';
    const held = { type: 'event_badge', id: this.id('event_badge') };
    const heldBy = String(
      this.world.valuesOf({ tenant: 'here', type: 'event_badge', row: 0 }).personPasscode,
    );
    const change = { id: manager, password: 'a new password' };
    const sends = (path: string, body: object): Call => ({
      method: 'POST',
      path: `/v3/action/${path}`,
      body,
    });
    const gets = (path: string): Call => ({ method: 'GET', path: `/v3/action/${path}` });
    return [
      {
        of: 'Mutation.signIn',
        query:
          'mutation ($username: String, $password: String) { signIn(username: $username, password: $password) { jwt user { id username } } }',
        variables: { username, password: given },
        due: guess,
      },
      {
        of: 'POST /v3/action/user/authenticate',
        call: sends('user/authenticate', { username, password: given }),
        due: guess,
      },
      {
        of: 'Mutation.verifyPassword',
        query: 'mutation ($id: ID, $password: String!) { verifyPassword(userId: $id, password: $password) }',
        variables: { id: user, password },
        due: right,
      },
      {
        of: 'POST /v3/action/user/verify_password',
        call: sends('user/verify_password', { user_id: user, password }),
        due: right,
      },
      {
        of: 'Mutation.changePassword',
        query: 'mutation ($id: ID!, $password: String!) { changePassword(userId: $id, password: $password) }',
        variables: change,
        due: beyond,
      },
      {
        of: 'POST /v3/action/user/{id}/change_password',
        call: sends(`user/${manager}/change_password`, change),
        due: beyond,
      },
      {
        of: 'Mutation.newAuthKey',
        query: 'mutation ($id: ID!) { newAuthKey(userId: $id) { authKey } }',
        variables: { id: manager },
        due: beyond,
      },
      {
        of: 'GET /v3/action/user/{id}/new_auth_key',
        call: gets(`user/${manager}/new_auth_key`),
        due: beyond,
      },
      {
        of: 'Mutation.sendSignInLink',
        query: 'mutation ($id: ID!, $url: String!) { sendSignInLink(userId: $id, rootUrl: $url) }',
        variables: { id: this.id('user'), url: rootUrl },
        due: link,
      },
      {
        of: 'GET /v3/action/user/{id}/email_auth_key_url',
        call: gets(`user/${this.id('user')}/email_auth_key_url?root_url=${encodeURIComponent(rootUrl)}`),
        due: link,
      },
      {
        of: 'Mutation.signOutEverywhere',
        query: 'mutation ($id: ID) { signOutEverywhere(userId: $id) }',
        variables: { id: manager },
        due: beyond,
      },
      {
        of: 'Mutation.refreshToken',
        query: 'mutation { refreshToken { level } }',
        due: person === undefined ? 'UNAUTHENTICATED' : 'done',
      },
      {
        of: 'Mutation.signInWithPasscode',
        query:
          'mutation ($site: ID!, $code: String!) { signInWithPasscode(siteId: $site, passcode: $code) { level } }',
        variables: { site: this.id('site'), code },
        due: passcode,
      },
      {
        of: 'Mutation.signInAsHolder',
        query:
          'mutation ($type: HolderType!, $id: ID!, $code: String!) { signInAsHolder(type: $type, id: $id, passcode: $code) { level } }',
        variables: { ...held, code: heldBy },
        due: tenant === 'there' ? 'FORBIDDEN' : 'done',
      },
      {
        of: 'POST /v3/action/auth/authenticate_passcode',
        call: sends('auth/authenticate_passcode', { site_id: this.id('site'), passcode: code }),
        due: passcode,
        // It tells whose the site is.
        as: { ...who, tenant: tenant ?? 'here' },
      },
    ];
  }

  /** The same by the routes of older generations, and what they alone have. */
  private older(who: Who, cases: readonly Case[]): Case[] {
    const { tenant } = who;
    const row = this.turn % lastRow;
    const { username, email } = this.world.valuesOf({ tenant: 'here', type: 'user', row });
    const found = mayList(who, 'user') ? 'done' : 'FORBIDDEN';
    const account_id = this.id('account');
    const token = tenant === 'there' ? 'FORBIDDEN' : 'done';
    const usage = tenant && includes(who.level, 'manager') ? 'done' : 'FORBIDDEN';
    const moved = cases.flatMap((each): Case[] => {
      const [verb = '', path = ''] = each.of.split(' ');
      const older = movedTo[path];
      if (!older || !each.call) return [];
      const [method = verb, place = path] = older.split(' ');
      const from = path.split('{')[0]!;
      const to = place.split('{')[0]!;
      const asQuery = method === 'GET' && each.call.body !== undefined;
      const query = asQuery
        ? `?${new URLSearchParams(each.call.body as Record<string, string>).toString()}`
        : '';
      const call = {
        ...each.call,
        method,
        path: `${each.call.path.replace(from, to)}${query}`,
        body: asQuery ? undefined : each.call.body,
      };
      return [{ ...each, of: older, call }];
    });
    const get = (path: string, query: Record<string, unknown>, due: Case['due']): Case => ({
      of: `GET ${path}`,
      call: {
        method: 'GET',
        path: `${path}?${new URLSearchParams(query as Record<string, string>).toString()}`,
        ...(path.startsWith('/user/lookup') && { form: 'crud' }),
      },
      due,
    });
    return [
      ...moved,
      get('/user/lookup', { user_id: this.id('user', row) }, found),
      get('/user/lookup_email', { email }, found),
      get('/user/lookup_username', { username }, found),
      get('/api/temp_token', { account_id }, token),
      { of: 'POST /api/request_jwt', call: post('/api/request_jwt', { account_id }), due: token },
      {
        of: 'POST /v3/action/auth/guest_token',
        call: post('/v3/action/auth/guest_token', { account_id }),
        due: token,
      },
      {
        of: 'Mutation.guestToken',
        query: 'mutation ($account: ID) { guestToken(accountId: $account) { jwt level } }',
        variables: { account: account_id },
        due: token,
      },
      { of: 'POST /util/email/send', call: post('/util/email/send', {}), due: 'GONE' },
      get('/v3/action/legacy/usage', {}, usage),
      {
        of: 'Query.legacyUsage',
        query: 'query { legacyUsage { countedSince uses { route keyId keyName accountId } } }',
        due: usage,
      },
    ];
  }

  private questions(who: Who): Case[] {
    const { tenant, level } = who;
    const isOffice = includes(level, 'administrator');
    const novi = tenant ? 'UNAVAILABLE' : 'FORBIDDEN';
    const uuid = '5f0c8ae7-7d63-4c2c-9c0f-3f1f8c1f0a11';
    const all = (name: string) => this.types.find((each) => each.name === name)!.scalars.join(' ');
    const bootstraps = (['here', 'there'] as const).flatMap((of): Case[] => {
      const fqdn = this.world.valuesOf({ tenant: of, type: 'site_domain', row: 0 }).fqdn;
      const key = this.world.valuesOf({ tenant: of, type: 'site', row: 0 }).accessKey;
      // Who comes from elsewhere is a guest there.
      const as: Who = tenant === of ? who : { ...who, level: 'anonymous', tenant: of, person: undefined };
      return [key, undefined].flatMap((accessKey): Case[] => [
        {
          of: 'Query.bootstrap',
          query: `query ($fqdn: String!, $accessKey: String) { bootstrap(fqdn: $fqdn, accessKey: $accessKey) { __typename account { ${all('Account')} } site { ${all('Site')} } domain { ${all('SiteDomain')} } } ${accessKey ? '' : 'viewer { level }'} }`,
          variables: { fqdn, accessKey },
          due: 'done',
          as: accessKey ? as : who,
        },
        {
          of: 'POST /v3/crud/site_domain/search',
          call: {
            method: 'POST',
            path: '/v3/crud/site_domain/search?view=detail&inc_site=true&inc_account=true',
            body: {
              and: [
                { field: 'fqdn', op: 'eq', value: fqdn },
                ...(accessKey ? [{ field: 'access_key', op: 'eq', value: accessKey }] : []),
              ],
            },
          },
          due: 'done',
          as: accessKey ? as : who,
        },
      ]);
    });
    return [
      {
        of: 'Query.viewer',
        query: `query { viewer { level key { id name } account { ${all('Account')} } person { ${all('Person')} } } }`,
        due: 'done',
      },
      ...bootstraps,
      {
        of: 'Query.noviMember',
        query: 'query ($uuid: ID!) { noviMember(uuid: $uuid) { verified fullName email } }',
        variables: { uuid },
        due: novi,
      },
      {
        of: 'GET /v3/action/idaa/novi_member/{uuid}',
        call: { method: 'GET', path: `/v3/action/idaa/novi_member/${uuid}` },
        due: novi,
      },
      ...['journal_entry', 'event', 'site'].map((type): Case => ({
        of: 'Query.explainAccess',
        query:
          'query ($type: ObjectType!, $id: ID!) { explainAccess(type: $type, id: $id, field: "cfgJson") { allowed decidedBy neededLevel rules { rule passes reason } } }',
        variables: { type, id: this.id(type, 1) },
        due: isOffice ? 'done' : 'FORBIDDEN',
        // Of another account's no more than that it is one.
        ...(tenant !== 'here' && { withholds: /"(?:OBJECT|FIELD)"|"allowed":true/ }),
      })),
      {
        of: 'Query.explainAccess',
        query: 'query ($id: ID!, $key: ID) { explainAccess(type: event, id: $id, keyId: $key) { allowed } }',
        variables: {
          id: this.id('event'),
          key: this.world.idOf(tenant === 'there' ? 'here' : 'there', 'api_key'),
        },
        due: 'FORBIDDEN',
      },
      { of: 'GET /health', call: { method: 'GET', path: '/health' }, due: 'done' },
    ];
  }

  private keys({ tenant, level }: Who): Case[] {
    const isTheirs = tenant === 'here';
    const isOffice = includes(level, 'administrator');
    const [key, high] = [this.id('api_key'), this.id('api_key', 1)];
    // A key of a manager, which is beyond an administrator.
    const beyond = isTheirs && includes(level, 'manager') ? undefined : 'FORBIDDEN';
    return [
      {
        of: 'Query.keyUsage',
        query:
          'query ($id: ID!) { keyUsage(keyId: $id) { uses { type verb fields calls lastDay } smallestGrant { level scopes } } }',
        variables: { id: key },
        due: isOffice && isTheirs ? 'done' : 'FORBIDDEN',
      },
      {
        of: 'Mutation.issueApiKeySecret',
        query: 'mutation ($id: ID!) { issueApiKeySecret(id: $id) { secretKey } }',
        variables: { id: high },
        due: beyond,
      },
      {
        of: 'Mutation.revokeApiKey',
        query: 'mutation ($id: ID!) { revokeApiKey(id: $id) { id } }',
        variables: { id: high },
        due: beyond,
      },
    ];
  }

  private files(who: Who): Case[] {
    const reader: Who = {
      ...who,
      tenant: 'here',
      level: includes(who.level, 'authenticated') ? who.level : 'authenticated',
    };
    const isHere = who.tenant === 'here';
    const download = (type: string, row: number): Case['due'] => {
      const place: Place = { tenant: 'here', type, row };
      // Who knows the id of a file may have it; what holds one has rules of its own.
      return isHere && (type === 'hosted_file' || sees(who, place)) ? 'done' : 'FORBIDDEN';
    };
    const downloads = ['hosted_file', 'event_file'].flatMap((route) =>
      ['hosted_file', 'event_file', 'archive_content'].flatMap((type) =>
        [0, 1, 2, 3].map((row): Case => ({
          of: `GET /v3/action/${route}/{id}/download`,
          call: { method: 'GET', path: `/v3/action/${route}/${this.id(type, row)}/download` },
          due: download(type, row),
          as: download(type, row) === 'done' ? reader : who,
        })),
      ),
    );
    const hash = String(this.world.valuesOf({ tenant: 'here', type: 'hosted_file', row: 0 }).hashSha256);
    const target = isHere ? 'there' : 'here';
    const upload = form([
      { name: 'for_type', content: 'event' },
      { name: 'for_id', content: this.world.idOf(target, 'event') },
      { name: 'file', filename: 'talk.txt', type: 'text/plain', content: `sent by ${who.name}` },
    ]);
    return [
      ...downloads,
      {
        of: 'GET /v3/action/hosted_file/{id}/download',
        call: { method: 'GET', path: `/v3/action/hosted_file/${unknownId}/download` },
        due: 'NOT_FOUND',
      },
      {
        of: 'GET /v3/action/hosted_file/hash/{sha256}/download',
        call: { method: 'GET', path: `/v3/action/hosted_file/hash/${hash}/download` },
        due: 'done',
        as: reader,
      },
      {
        of: 'POST /v3/action/event_file/upload',
        call: { method: 'POST', path: '/v3/action/event_file/upload', body: upload, headers: formType },
        due: 'FORBIDDEN',
      },
    ];
  }
}
