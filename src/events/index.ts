import { EventBadgeResolver } from './badge';
import { EventBadgeTemplateResolver } from './badge-template';
import { EventResolver } from './event';
import { EventFileResolver } from './file';
import { EventLocationResolver } from './location';
import { EventPresentationResolver } from './presentation';
import { EventPresenterResolver } from './presenter';
import { EventSessionResolver } from './session';

export const eventResolvers = [
  EventResolver,
  EventLocationResolver,
  EventSessionResolver,
  EventPresentationResolver,
  EventPresenterResolver,
  EventFileResolver,
  EventBadgeTemplateResolver,
  EventBadgeResolver,
] as const;
