import { EventAbstractResolver } from './abstract';
import { EventBadgeResolver } from './badge';
import { EventBadgeTemplateResolver } from './badge-template';
import { EventDeviceResolver } from './device';
import { EventResolver } from './event';
import { EventExhibitResolver } from './exhibit';
import { EventExhibitTrackingResolver } from './exhibit-tracking';
import { EventFileResolver } from './file';
import { EventLocationResolver } from './location';
import { EventPersonResolver } from './person';
import { EventPersonProfileResolver } from './person-profile';
import { EventPresentationResolver } from './presentation';
import { EventPresenterResolver } from './presenter';
import { EventRegistrationResolver } from './registration';
import { EventSessionResolver } from './session';
import { EventTrackResolver } from './track';

export const eventResolvers = [
  EventResolver,
  EventLocationResolver,
  EventTrackResolver,
  EventDeviceResolver,
  EventPersonResolver,
  EventPersonProfileResolver,
  EventRegistrationResolver,
  EventAbstractResolver,
  EventSessionResolver,
  EventPresentationResolver,
  EventPresenterResolver,
  EventFileResolver,
  EventBadgeTemplateResolver,
  EventBadgeResolver,
  EventExhibitResolver,
  EventExhibitTrackingResolver,
] as const;
