import { demoId, row } from './plan';
import type { Seed } from './rows';

/** What a demo account has beside its events; its rows get fixed ids, numbered from `first` on. */
export interface AccountPlan {
  account: string;
  first: number;
  /** Who buys and writes: id, id in the membership system, name and e-mail address. */
  person: { id: string; externalPersonId: string; fullName: string; email: string };
  site: string;
  event: string;
  /** Time zone of the account, and the country and city of its people. */
  timezone: string;
  countryCode: string;
  city: string;
  currency: string;
  organizations: string[];
}

/** Organizations, and how they and the person are reached: what events refer to. */
export function organizationSeeds(plan: AccountPlan): Seed[] {
  const { account, first, person, timezone, countryCode, city } = plan;
  const organizations = plan.organizations.map((name, index) =>
    row('organization', demoId('Organization', first + index), {
      accountId: account,
      name,
      legalName: `${name} Ltd`,
      typeCode: 'company',
      websiteUrl: 'https://example.org',
    }),
  );
  const addresses = organizations.map(({ id }, index) =>
    row('address', demoId('Address', first + index), {
      accountId: account,
      name: 'Office',
      forType: 'organization',
      forId: id,
      line1: `${10 + index} Station Road`,
      city,
      countryCode,
      timezone,
    }),
  );
  const contacts = organizations.map(({ id, values: { name } }, index) =>
    row('contact', demoId('Contact', first + index), {
      accountId: account,
      name: `${String(name)}, office`,
      forType: 'organization',
      forId: id,
      addressId: addresses[index]?.id,
      email: `office-${first + index}@example.org`,
      phoneOffice: `+1 555 02${String(index).padStart(2, '0')}`,
    }),
  );
  const own = row('contact', demoId('Contact', first + organizations.length), {
    accountId: account,
    name: person.fullName,
    personId: person.id,
    email: person.email,
    phoneMobile: '+1 555 0199',
    socialJson: { web: 'https://example.org' },
  });
  return [...organizations, ...addresses, ...contacts, own];
}

/** What is bought and sponsored, shown and written. */
export function accountSeeds(plan: AccountPlan): Seed[] {
  const { account, first, event } = plan;
  const of = (type: string, kind: string, values: Seed['values'], index = 0): Seed =>
    row(type, demoId(kind, first + index), { accountId: account, ...values });
  const files = { hostedFileId: demoId('Hosted', first) };
  const author = {
    externalPersonId: plan.person.externalPersonId,
    fullName: plan.person.fullName,
    email: plan.person.email,
  };

  const order = of('order', 'Order', {
    personId: plan.person.id,
    eventId: event,
    name: 'Registration',
    status: 'paid',
    currency: plan.currency,
    total: 420.5,
    paidOn: '2026-02-01 10:00:00.000',
  });
  const sponsorships = of('sponsorship_cfg', 'Sponsoring', {
    eventId: event,
    name: 'Sponsors',
    levelsJson: [
      { code: 'gold', name: 'Gold', amount: 10_000 },
      { code: 'silver', name: 'Silver', amount: 4_000 },
    ],
    startOn: '2026-01-01 00:00:00.000',
    endOn: '2026-04-30 22:00:00.000',
  });
  const archive = of('archive', 'Archive', {
    name: 'Ten years ago',
    topicName: 'How it began',
    originalDatetime: '2016-05-07 07:00:00.000',
    originalLocation: plan.city,
    contentType: 'text',
  });
  const post = of('post', 'Post', {
    ...author,
    name: 'Who comes by train?',
    title: 'Who comes by train?',
    topicName: 'Travel',
    content: 'There is a group ticket from four on.',
    anonymous: false,
  });
  return [
    order,
    of('order_line', 'Line', {
      orderId: order.id,
      name: 'Two days',
      productCode: 'two-days',
      quantity: 1,
      unitPrice: 400,
    }),
    of(
      'order_line',
      'Line',
      { orderId: order.id, name: 'Lunch', productCode: 'lunch', quantity: 2, unitPrice: 10.25 },
      1,
    ),
    sponsorships,
    of('sponsorship', 'Sponsor', {
      sponsorshipCfgId: sponsorships.id,
      organizationId: demoId('Organization', first),
      personId: plan.person.id,
      name: plan.organizations[0],
      levelCode: 'gold',
      status: 'confirmed',
      questionsJson: [{ question: 'A stand?', answer: 'yes' }],
      amount: 10_000,
    }),
    of('page', 'Page', {
      siteId: plan.site,
      name: 'About us',
      slug: 'about',
      title: 'About us',
      content: 'We meet once a year.',
      contentHtml: '<p>We meet once a year.</p>',
      status: 'published',
      publishedOn: '2026-01-15 09:00:00.000',
    }),
    of('page', 'Page', { name: 'Next year', slug: 'next-year', title: 'Next year', status: 'draft' }, 1),
    of('data_store', 'Store', {
      name: 'Welcome',
      code: 'welcome',
      type: 'html',
      html: '<p>Good that you are here.</p>',
    }),
    of(
      'data_store',
      'Store',
      {
        name: 'Launcher',
        code: 'launcher',
        forType: 'event',
        forId: event,
        type: 'json',
        json: { clock: true },
      },
      1,
    ),
    archive,
    of('archive_content', 'Content', { ...files, archiveId: archive.id, name: 'Programme', sort: 1 }),
    of(
      'archive_content',
      'Content',
      {
        archiveId: archive.id,
        name: 'Talk',
        mediaUrl: 'https://example.org/talk.mp4',
        durationS: 1834.5,
        sort: 2,
      },
      1,
    ),
    post,
    of('post_comment', 'Comment', { ...author, postId: post.id, name: 'Re', content: 'Count me in.' }),
    of('lu_time_zone', 'OwnZone', {
      name: `${plan.city}, where we meet`,
      group: plan.timezone,
      code: plan.timezone,
      ianaName: plan.timezone,
      priority: true,
    }),
    of('activity_log', 'Activity', {
      personId: plan.person.id,
      name: 'Made the event',
      action: 'create',
      objectType: 'event',
      objectId: event,
    }),
  ];
}
