import { personNumber } from './people';
import { below, demoId, moment, row, type EventPlan } from './plan';
import type { Seed } from './rows';

/* ---- machines and people ---- */

/** A launcher at the podium of each room. */
export const deviceSeeds = (plan: EventPlan, rooms: Seed[]): Seed[] =>
  rooms.map(({ id, values: { name } }, index) =>
    below(plan, 'event_device', 'Device', index, {
      eventLocationId: id,
      code: `podium-${index + 1}`,
      name: `Podium, ${String(name)}`,
      typeCode: 'launcher',
      appMode: 'onsite',
      hostName: `podium-${index + 1}.local`,
      hashPrefixLength: 8,
      heartbeat: moment(plan.days[0] ?? '', '07:00', -15),
      status: 'ready',
      telemetryJson: { disk_free_gb: 180 },
      dataJson: { launch_profiles: [{ extension: 'pdf', program: 'viewer' }] },
      passcode: `podium-${plan.first + index}`,
    }),
  );

/** The first of those who present, as people of the event: each has registered. */
export function attendanceSeeds(plan: EventPlan) {
  const persons: Seed[] = [];
  const profiles: Seed[] = [];
  const registrations: Seed[] = [];
  for (let index = 0; index < plan.badges / 10; index += 1) {
    const { place, professionalTitle, affiliations, ...names } = personNumber(plan.first + index);
    const person = below(plan, 'event_person', 'Attendee', index, {
      ...names,
      name: names.fullName,
      roleCode: 'speaker',
      status: 'confirmed',
    });
    persons.push(person);
    profiles.push(
      row('event_person_profile', demoId('Profile', plan.first + index), {
        accountId: plan.account,
        eventPersonId: person.id,
        name: names.fullName,
        professionalTitle,
        affiliations,
        biography: `${names.fullName} lives and works in ${place}.`,
        socialJson: { web: 'https://example.org' },
      }),
    );
    registrations.push(
      below(plan, 'event_registration', 'Registration', index, {
        eventPersonId: person.id,
        name: names.fullName,
        status: 'confirmed',
        registeredOn: moment(plan.days[0] ?? '', '09:00', -90 * 24 * 60),
        typeCode: index % 2 === 0 ? 'early' : 'standard',
      }),
    );
  }
  return { persons, profiles, registrations };
}

/* ---- badges ---- */

const badgeTypes = [
  { code: 'attendee', name: 'Attendee' },
  { code: 'speaker', name: 'Speaker' },
  { code: 'staff', name: 'Staff' },
];

export function badgeSeeds(plan: EventPlan, persons: Seed[]): Seed[] {
  const template = below(plan, 'event_badge_template', 'Template', 0, {
    name: 'Standard',
    layout: 'a6',
    headerRow1: plan.values.name,
    footerLeft: plan.values.locationName,
    badgeTypeList: JSON.stringify(badgeTypes),
    showQr: true,
  });
  const badges = Array.from({ length: plan.badges }, (_, index) => {
    // Those who present have the first badges.
    const { place, ...person } = personNumber(plan.first + (index < persons.length ? 0 : 300) + index);
    const type = badgeTypes[index % 7 === 0 ? 1 : index % 11 === 0 ? 2 : 0];
    return below(plan, 'event_badge', 'Badge', index, {
      eventBadgeTemplateId: template.id,
      eventPersonId: persons[index]?.id,
      externalRegistrationId: `R-${plan.first + 1000 + index}`,
      ...person,
      name: person.fullName,
      location: place,
      phone: `+1 555 01${String(index % 100).padStart(2, '0')}`,
      badgeType: type?.name,
      badgeTypeCode: type?.code,
      registrationType: index % 4 === 0 ? 'Early' : 'Standard',
      registrationTypeCode: index % 4 === 0 ? 'early' : 'standard',
      professionalTitleOverride: index % 10 === 0 ? 'Chair' : null,
      allowTracking: index % 3 !== 0,
      agreeToTc: true,
      personPasscode: `badge-${plan.first + index}`,
    });
  });
  return [template, ...badges];
}

/* ---- the exhibition ---- */

/** Stands, and what each of them has scanned. */
export function exhibitSeeds(plan: EventPlan, rooms: Seed[], badges: Seed[]): Seed[] {
  const tracked = badges.filter(({ values }) => values.allowTracking);
  const exhibits = plan.exhibits.map((exhibit, index) =>
    below(plan, 'event_exhibit', 'Exhibit', index, {
      ...exhibit,
      eventLocationId: rooms[0]?.id,
      leadsApiAccess: index === 0,
      licenseMax: 2,
      licenseLiJson: [{ name: 'Desk', passcode: `desk-${plan.first + index}` }],
      staffPasscode: `stand-${plan.first + index}`,
      customQuestionsJson: [{ code: 'visit', question: 'May we come by?', answers: ['yes', 'no'] }],
    }),
  );
  const leads = exhibits.flatMap((exhibit, stand) =>
    tracked.slice(stand, stand + 3).map(({ id }, index) =>
      below(plan, 'event_exhibit_tracking', 'Lead', stand * 3 + index, {
        eventExhibitId: exhibit.id,
        eventBadgeId: id,
        exhibitorNotes: index === 0 ? 'Asked for a <b>quotation</b>.' : null,
        responsesJson: { visit: index % 2 === 0 ? 'yes' : 'no' },
      }),
    ),
  );
  return [...exhibits, ...leads];
}
