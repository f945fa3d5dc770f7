import { type ChannelMessage, moreText, type Sender } from '../../core/model/notification.ts';
import { createPoster, type PostOptions } from './post-json.ts';
import { readUrlFile } from './read-secret-file.ts';

/** An incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat, Discord with `/slack` at its end. */
export interface SlackOptions extends PostOptions {
  /** The file with the webhook's URL, which is a secret. Read for each request. */
  readonly urlFile: string;
  readonly cluster: string;
  /** Where people see more; empty: nowhere. */
  readonly link: string;
}

const REMEDIES = {
  403: 'Make a new webhook URL, and write it into the file of `notify.slack.urlFile`.',
  404: 'The webhook is gone: make a new one, and write its URL into the file of `notify.slack.urlFile`.',
  410: 'The channel is archived: make a webhook for another one, and write its URL into the file of `notify.slack.urlFile`.',
};

/** Makes the sender to a Slack-compatible channel. */
export function createSlackSender(options: SlackOptions): Sender<ChannelMessage> {
  const poster = createPoster(options);
  return {
    channel: 'slack',
    send: (message, signal) =>
      poster.post(
        () => ({
          url: readUrlFile('notify.slack.urlFile', options.urlFile),
          headers: {},
          body: JSON.stringify({ text: slackText(message, options) }),
          title: 'the webhook of `notify.slack.urlFile`',
          remedies: REMEDIES,
        }),
        signal,
      ),
    close: () => poster.close(),
  };
}

const SIGNS = { begun: '🔴', ended: '🟢', once: '🔵' } as const;

function slackText({ notification, more }: ChannelMessage, { cluster, link }: Pick<SlackOptions, 'cluster' | 'link'>): string {
  const told = `${SIGNS[notification.phase]} *${escaped(cluster)}*: ${escaped(notification.message)}`;
  const seeMore = link === '' ? '' : `<${escaped(link)}|status>`;
  return [told, escaped(notification.remedy), moreText(more), seeMore].filter((line) => line !== '').join('\n');
}

/** What Slack asks to be escaped ("Formatting text for app surfaces"): so no text can mention a channel or make a link. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
