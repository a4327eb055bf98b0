import type { Services } from '../src/kernel/context';
import { seed } from './rows';

export const demo = {
  account: 'DemoAcct-001',
  otherAccount: 'DemoAcct-002',
  event: 'DemoEvent-01',
  trustedKey: 'demo-trusted-key',
  guestKey: 'demo-guest-key01',
  adminKey: 'demo-admin-key01',
  noviKey: 'demo-novi-key',
} as const;

export async function seedDemo(services: Services): Promise<void> {
  await seed(services, [
    { type: 'account', id: demo.account, values: { name: 'Demo Events' } },
    { type: 'account', id: demo.otherAccount, values: { name: 'Other Events' } },
    { type: 'api_key', id: 'DemoKey-0001', values: { name: 'demo trusted', publicKey: demo.trustedKey, level: 'trusted' } },
    { type: 'api_key', id: 'DemoKey-0002', values: { name: 'demo guest', publicKey: demo.guestKey, level: 'anonymous' } },
    { type: 'api_key', id: 'DemoKey-0003', values: { name: 'demo admin', publicKey: demo.adminKey, level: 'administrator', administrative: true } },
    { type: 'event', id: demo.event, values: { accountId: demo.account, name: 'Demo conference' } },
    { type: 'event_session', id: 'DemoSess-001', values: { accountId: demo.account, eventId: demo.event, name: 'Opening', startDatetime: '2026-05-01 09:00:00.000' } },
  ]);
}
