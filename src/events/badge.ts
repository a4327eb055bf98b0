import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { inlineHtml } from './inline-html';

/** `grace@example.org` -> `g***@example.org` */
const maskEmail = (email: string): string => email.replace(/^(.?)[^@]*/su, '$1***');

/** `+1 555 0142` -> `***42` */
const maskPhone = (phone: string): string => `***${phone.replace(/\D/g, '').slice(-2)}`;

/** What stands on the badge: the override, else what was registered. */
const display = (column: string) => (t: string) =>
  `COALESCE(NULLIF(${t}.${column}_override, ''), ${t}.${column})`;

@Entity({
  table: 'event_badge',
  doc: 'A name badge of an event: who wears it, what stands on it, and how often it was printed.',
  access: {
    // Who knows a badge, or the name on it, finds it; a list of all is not for everybody.
    read: 'anonymous',
    list: 'public',
    search: { below: 'trusted', letters: 3, rows: 15, named: ['id', 'code'] },
    own: 'personId',
    readAll: 'anonymous',
    writeAll: 'trusted',
    ownEdits: {
      defaults: [
        'fullNameOverride',
        'pronounsOverride',
        'professionalTitleOverride',
        'affiliationsOverride',
        'locationOverride',
        'allowTracking',
        'agreeToTc',
      ],
      grantable: ['emailOverride', 'phoneOverride', 'givenName', 'familyName', 'fullName', 'pronouns'],
      settings: { through: 'eventId', attribute: 'modBadgesJson', key: 'edit_permissions' },
    },
    create: 'trusted',
    // Of its holder, who need not have signed in.
    update: 'anonymous',
    remove: 'administrator',
  },
  indexes: [{ columns: ['account_id', 'default_qry_str'], words: true }],
})
export class EventBadge extends TenantEntity {
  @Ref('event', { inverse: 'badges', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Ref('event_person', { inverse: 'badges', doc: 'Id of who wears it, as somebody of the event.' })
  declare eventPersonId: number | null;

  @Ref('person', { doc: 'Id of the person who wears it.' })
  declare personId: number | null;

  @Ref('event_badge_template', { doc: 'Id of the template that it is printed with.' })
  declare eventBadgeTemplateId: number | null;

  @Attr.string({
    max: 100,
    index: true,
    read: 'trusted',
    doc: 'Id of the registration in the system that it came from.',
  })
  declare externalRegistrationId: string | null;

  @Attr.string({ max: 100, index: true, read: 'trusted', doc: 'Id of this badge in another system.' })
  declare externalId: string | null;

  // Rows of the old server may hold the e-mail address in it.
  @Attr.text({ read: 'trusted', write: 'server', doc: 'The text that `q` searches, kept by the server.' })
  declare defaultQryStr: string | null;

  @Attr.string({
    search: true,
    clean: inlineHtml,
    doc: 'Name of the badge; may hold b, i, em, strong, br, sup and sub.',
  })
  declare name: string | null;

  @Attr.string({ search: true, doc: 'Given name, as registered.' })
  declare givenName: string | null;

  @Attr.string({ search: true, doc: 'Family name, as registered.' })
  declare familyName: string | null;

  @Attr.string({
    search: true,
    clean: inlineHtml,
    doc: 'The whole name, as registered; may hold b, i, em, strong, br, sup and sub.',
  })
  declare fullName: string | null;

  @Attr.string({ max: 100, doc: 'Pronouns, such as `she/her`, as registered.' })
  declare pronouns: string | null;

  @Attr.string({
    clean: inlineHtml,
    doc: 'Professional title, as registered; may hold b, i, em, strong, br, sup and sub.',
  })
  declare professionalTitle: string | null;

  @Attr.text({
    search: true,
    clean: inlineHtml,
    doc: 'Where the holder works or belongs, as registered; may hold b, i, em, strong, br, sup and sub.',
  })
  declare affiliations: string | null;

  @Attr.string({
    clean: inlineHtml,
    doc: 'Where the holder comes from, as registered; may hold b, i, em, strong, br, sup and sub.',
  })
  declare location: string | null;

  @Attr.string({
    read: 'trusted',
    mask: maskEmail,
    doc: 'E-mail address, as registered; mail always goes to this one.',
  })
  declare email: string | null;

  @Attr.string({ max: 100, read: 'trusted', mask: maskPhone, doc: 'Telephone number, as registered.' })
  declare phone: string | null;

  @Attr.string({ doc: 'Name of the type of badge, as registered.' })
  declare badgeType: string | null;

  @Attr.string({ max: 100, doc: 'Code of the type of badge, as registered.' })
  declare badgeTypeCode: string | null;

  @Attr.string({ doc: 'Name of the type of registration, as registered.' })
  declare registrationType: string | null;

  @Attr.string({ max: 100, doc: 'Code of the type of registration, as registered.' })
  declare registrationTypeCode: string | null;

  @Attr.string({
    search: true,
    clean: inlineHtml,
    doc: 'The whole name, as it is to be on the badge instead; may hold b, i, em, strong, br, sup and sub.',
  })
  declare fullNameOverride: string | null;

  @Attr.string({ max: 100, doc: 'Pronouns, as it is to be on the badge instead.' })
  declare pronounsOverride: string | null;

  @Attr.string({
    clean: inlineHtml,
    doc: 'Professional title, as it is to be on the badge instead; may hold b, i, em, strong, br, sup and sub.',
  })
  declare professionalTitleOverride: string | null;

  @Attr.text({
    search: true,
    clean: inlineHtml,
    doc: 'Where the holder works or belongs, as it is to be on the badge instead; may hold b, i, em, strong, br, sup and sub.',
  })
  declare affiliationsOverride: string | null;

  @Attr.string({
    clean: inlineHtml,
    doc: 'Where the holder comes from, as it is to be on the badge instead; may hold b, i, em, strong, br, sup and sub.',
  })
  declare locationOverride: string | null;

  @Attr.string({
    read: 'trusted',
    mask: maskEmail,
    doc: 'E-mail address, as it is to be on the badge instead.',
  })
  declare emailOverride: string | null;

  @Attr.string({
    max: 100,
    read: 'trusted',
    mask: maskPhone,
    doc: 'Telephone number, as it is to be on the badge instead.',
  })
  declare phoneOverride: string | null;

  @Attr.string({ doc: 'Name of the type of badge, as it is to be on the badge instead.' })
  declare badgeTypeOverride: string | null;

  @Attr.string({ max: 100, doc: 'Code of the type of badge, as it is to be on the badge instead.' })
  declare badgeTypeCodeOverride: string | null;

  @Attr.string({ doc: 'Name of the type of registration, as it is to be on the badge instead.' })
  declare registrationTypeOverride: string | null;

  @Attr.string({ max: 100, doc: 'Code of the type of registration, as it is to be on the badge instead.' })
  declare registrationTypeCodeOverride: string | null;

  @Attr.string({ sql: display('full_name'), doc: 'The whole name, as it is on the badge.' })
  declare displayFullName: string | null;

  @Attr.string({ sql: display('pronouns'), doc: 'Pronouns, as it is on the badge.' })
  declare displayPronouns: string | null;

  @Attr.string({ sql: display('professional_title'), doc: 'Professional title, as it is on the badge.' })
  declare displayProfessionalTitle: string | null;

  @Attr.text({
    sql: display('affiliations'),
    doc: 'Where the holder works or belongs, as it is on the badge.',
  })
  declare displayAffiliations: string | null;

  @Attr.string({ sql: display('location'), doc: 'Where the holder comes from, as it is on the badge.' })
  declare displayLocation: string | null;

  @Attr.string({
    sql: display('email'),
    read: 'trusted',
    mask: maskEmail,
    doc: 'E-mail address, as it is on the badge.',
  })
  declare displayEmail: string | null;

  @Attr.string({
    sql: display('phone'),
    read: 'trusted',
    mask: maskPhone,
    doc: 'Telephone number, as it is on the badge.',
  })
  declare displayPhone: string | null;

  @Attr.string({ sql: display('badge_type'), doc: 'Name of the type of badge, as it is on the badge.' })
  declare displayBadgeType: string | null;

  @Attr.string({ sql: display('badge_type_code'), doc: 'Code of the type of badge, as it is on the badge.' })
  declare displayBadgeTypeCode: string | null;

  @Attr.string({
    sql: display('registration_type'),
    doc: 'Name of the type of registration, as it is on the badge.',
  })
  declare displayRegistrationType: string | null;

  @Attr.string({
    sql: display('registration_type_code'),
    doc: 'Code of the type of registration, as it is on the badge.',
  })
  declare displayRegistrationTypeCode: string | null;

  @Attr.bool({ doc: 'May exhibitors scan the badge as a lead?' })
  declare allowTracking: boolean | null;

  @Attr.bool({ doc: 'Has the holder agreed to the terms and conditions?' })
  declare agreeToTc: boolean | null;

  @Attr.string({
    max: 100,
    read: 'trusted',
    opens: true,
    doc: 'Passcode by which the holder comes to the badge.',
  })
  declare personPasscode: string | null;

  @Attr.int({ default: 0, doc: 'How often the badge was printed.' })
  declare printCount: number | null;

  @Attr.datetime({ doc: 'When it was first printed, UTC.' })
  declare printFirstDatetime: Date | null;

  @Attr.datetime({ doc: 'When it was last printed, UTC.' })
  declare printLastDatetime: Date | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 1 of 8.' })
  declare other1Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 2 of 8.' })
  declare other2Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 3 of 8.' })
  declare other3Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 4 of 8.' })
  declare other4Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 5 of 8.' })
  declare other5Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 6 of 8.' })
  declare other6Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 7 of 8.' })
  declare other7Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of free use, number 8 of 8.' })
  declare other8Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 1 of 8.' })
  declare ticket1Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 2 of 8.' })
  declare ticket2Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 3 of 8.' })
  declare ticket3Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 4 of 8.' })
  declare ticket4Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 5 of 8.' })
  declare ticket5Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 6 of 8.' })
  declare ticket6Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 7 of 8.' })
  declare ticket7Code: string | null;

  @Attr.string({ max: 100, doc: 'Code of a ticket, number 8 of 8.' })
  declare ticket8Code: string | null;

  @Attr.string({ index: true, read: 'trusted', write: 'server', doc: 'Digest of the e-mail address.' })
  declare hashedEmail: string | null;
}

@Resolver(() => EventBadge)
export class EventBadgeResolver extends CrudResolver(EventBadge) {}
