import { createTransport } from 'nodemailer';
import type { Logger } from 'pino';
import { AetherError } from './kernel/errors';

declare module './kernel/context' {
  interface Services {
    mail: Mail;
  }
}

interface Message {
  /** One address; whatever stands in it, it makes no second recipient. */
  to: string;
  subject: string;
  text: string;
  html?: string;
}

export interface Mail {
  /** Hands a message to the mail server. @throws INTERNAL when there is none, or it does not take the message. */
  send(message: Message): Promise<void>;
}

interface MailOptions {
  url?: string;
  from?: string;
  log: Logger;
  timeouts?: typeof patience;
}

/** How long a mail server may stay silent, in milliseconds. */
const patience = {
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 10_000,
  dnsTimeout: 5_000,
};

/** Sends over SMTP by the server at `url`, `smtp://user:password@host:port` or `smtps://…`. */
export function createMail({ url, from, log, timeouts = patience }: MailOptions): Mail {
  if (url === undefined || from === undefined)
    return {
      send: () => Promise.reject(new AetherError('INTERNAL', 'This server has no mail server to send by.')),
    };
  const transport = createTransport({ url, ...timeouts, disableFileAccess: true, disableUrlAccess: true });
  return {
    async send({ to, ...message }) {
      try {
        await transport.sendMail({ from, to: { name: '', address: to }, ...message });
      } catch (error) {
        // Not what the server said, which may name the recipient.
        const { code, responseCode } = error as { code?: string; responseCode?: number };
        log.error({ code, responseCode }, 'a mail could not be sent');
        throw new AetherError('INTERNAL', 'The e-mail could not be sent.', {}, error);
      }
    },
  };
}
