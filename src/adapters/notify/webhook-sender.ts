import { createHash, createHmac } from 'node:crypto';
import { fillTemplate, templateValues } from '../../core/model/fill-template.ts';
import { type ChannelMessage, moreText, type Sender } from '../../core/model/notification.ts';
import { createPoster, type PostOptions } from './post-json.ts';
import { readSecretFile, readUrlFile } from './read-secret-file.ts';

/** A receiver of JSON. */
export interface WebhookOptions extends PostOptions {
  /** Its URL, or the file that holds it where the URL is a secret (read for each request). */
  readonly target: { readonly url: string } | { readonly urlFile: string };
  /** The file with the key of signatures, read for each request; absent: requests are not signed. */
  readonly secretFile?: string;
  /** What is sent instead of the usual JSON; see `fillTemplate`. */
  readonly template?: string;
  readonly cluster: string;
  /** Where people see more; empty: nowhere. */
  readonly link: string;
}

/** Makes the sender to a webhook. */
export function createWebhookSender(options: WebhookOptions): Sender<ChannelMessage> {
  const { target, secretFile, clock } = options;
  const poster = createPoster(options);
  return {
    channel: 'webhook',
    send: (message, signal) =>
      poster.post(() => {
        const nowMs = clock.now();
        const body = bodyOf(message, options);
        const secret = secretFile === undefined ? undefined : readSecretFile('notify.webhook.secretFile', secretFile);
        return {
          url: 'url' in target ? target.url : readUrlFile('notify.webhook.urlFile', target.urlFile),
          headers: {
            'x-poolkeeper-event': message.notification.event,
            // The same for each try of one message, so that who was told twice can know.
            'x-poolkeeper-delivery': createHash('sha256').update(JSON.stringify(message)).digest('hex').slice(0, 32),
            ...(secret === undefined ? {} : { 'x-poolkeeper-signature': signature(secret, body, Math.floor(nowMs / 1000)) }),
          },
          body,
          title: 'the webhook of `notify.webhook`',
        };
      }, signal),
    close: () => poster.close(),
  };
}

/** `t=<seconds since the epoch>,v1=<hex of the HMAC-SHA256 of "<seconds>.<body>">`: an old request cannot be sent again as a new one. */
function signature(secret: string, body: string, seconds: number): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

function bodyOf(message: ChannelMessage, { template, cluster, link }: WebhookOptions): string {
  const time = new Date(message.notification.atMs).toISOString();
  const values = templateValues(message, { cluster, link, time });
  if (template !== undefined) return fillTemplate(template, values);
  const { more: _, ...texts } = values;
  const andMore = moreText(message.more);
  return JSON.stringify({ ...texts, ...(andMore === '' ? {} : { andMore }), more: message.more });
}
