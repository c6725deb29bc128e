/**
 * Alerts by e-mail, over the installation's SMTP server. The Message-ID is made from the change's id, so that a mail system
 * may drop what comes twice; the mails of one alert are one thread.
 */
import { hostname } from 'node:os';
import { messageOf } from '@tally/platform/errors';
import { createTransport } from 'nodemailer';
import type { SMTP_SECURITY } from './config.ts';
import { detailOf, type Send } from './told.ts';
import { htmlMailOf, subjectOf, textMailOf } from './wording.ts';

export interface SmtpOptions {
  /** Empty: there is no SMTP server, and e-mail fails with that reason. */
  host: string;
  port: number;
  /** starttls: refused without; tls: from the first byte; none: in clear. */
  security: (typeof SMTP_SECURITY)[number];
  /** Empty: no login. */
  user: string;
  password: string;
  /** Sender, an address. */
  from: string;
  /** Certificates to trust in place of the system's, PEM; empty: the system's. */
  ca: string;
  /** For each step: to connect, to be greeted, to be answered, milliseconds. */
  answerMsMax: number;
}

export interface EmailSender {
  send: Send;
  close: () => void;
}

const CONNECTIONS_MAX = 2;
/** Messages over one connection. */
const MESSAGES_MAX = 100;

export function emailSender(smtp: SmtpOptions): EmailSender {
  const transport = createTransport({
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MESSAGES_MAX,
    host: smtp.host,
    port: smtp.port,
    name: hostname(),
    secure: smtp.security === 'tls',
    requireTLS: smtp.security === 'starttls',
    ignoreTLS: smtp.security === 'none',
    ...(smtp.ca === '' ? {} : { tls: { ca: smtp.ca } }),
    ...(smtp.user === '' ? {} : { auth: { user: smtp.user, pass: smtp.password } }),
    connectionTimeout: smtp.answerMsMax,
    greetingTimeout: smtp.answerMsMax,
    socketTimeout: smtp.answerMsMax,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = smtp.from.split('@').at(-1) ?? 'tally.invalid';
  const failed = (status: number, detail: string) =>
    ({ outcome: 'failed', status, detail: detailOf(detail, [smtp.password]), retryAfterMs: 0 }) as const;

  const send: Send = async (target, { change }) => {
    if (smtp.host === '') return failed(0, 'TALLY_SMTP_HOST is not set');
    try {
      const { response } = await transport.sendMail({
        from: smtp.from,
        to: target.address,
        subject: subjectOf(change),
        text: textMailOf(change),
        html: htmlMailOf(change),
        date: new Date(change.at),
        messageId: `<${idPart(change.id)}@${domain}>`,
        references: `<alert.${idPart(change.alert.id)}@${domain}>`,
        headers: {
          'List-Id': `Tally alerts <alerts.tally.${domain}>`,
          'Auto-Submitted': 'auto-generated',
        },
      });
      return { outcome: 'delivered', status: 250, detail: detailOf(response, [smtp.password]), retryAfterMs: 0 };
    } catch (error) {
      const { responseCode, code } = error as { responseCode?: number; code?: string };
      return failed(responseCode ?? 0, `${code ?? 'error'}: ${messageOf(error)}`);
    }
  };
  return { send, close: () => transport.close() };
}

/** An id as it may stand before the @ of a Message-ID: two ids never become one. */
function idPart(id: string): string {
  return /^[A-Za-z0-9_.-]{1,120}$/.test(id) ? id : `x${Buffer.from(id).toString('hex')}`;
}
