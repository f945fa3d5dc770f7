import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import { PLACEHOLDERS, templateMistake } from '../../../src/core/model/fill-template.ts';
import { EVENT_NAMES } from '../../../src/core/model/notification.ts';

const GIT = 'https://git.example/team/specs.git';

function messagesOf(notify: Readonly<Record<string, string>>, gitUrl = GIT): readonly string[] {
  const flags = Object.fromEntries(Object.entries(notify).map(([key, value]) => [`notify.${key}`, value]));
  const loaded = loadConfig({ env: {}, flags: { cluster: 'main', 'git.url': gitUrl, ...flags }, readFile: () => 'secret' });
  return loaded.kind === 'ok' ? [] : loaded.problems.map(({ code, message }) => `${code} ${message}`);
}

const STATUS = { 'commitStatus.provider': 'gitea', 'commitStatus.tokenFile': '/t' };

describe('docs/notifications.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/notifications.md'), 'utf8');

  it('has every event and every placeholder, and templates that are valid', () => {
    for (const event of EVENT_NAMES) expect(text).toContain(`| \`${event}\` |`);
    for (const name of PLACEHOLDERS) expect(text).toContain(`\`{{ ${name} }}\``);
    const templates = [...text.matchAll(/template: '(.*)'/g)].map(([, template = '']) => templateMistake(template));
    expect(templates).toEqual([undefined]);
  });
});

describe('the rules among the options of notifications', () => {
  it.each<[Readonly<Record<string, string>>]>([
    [STATUS],
    [{ ...STATUS, 'commitStatus.url': 'https://a/api/v1', 'commitStatus.repository': 'a/b', 'commitStatus.context': 'c' }],
    [{ 'slack.urlFile': '/u' }],
    [{ 'webhook.url': 'https://hooks.example/', 'webhook.secretFile': '/s', 'webhook.template': '{"text": "{{ message }}"}' }],
    [{ 'webhook.urlFile': '/u', events: 'held,spec-broken', perMinute: '1', pageUrl: 'https://page.example' }],
  ])('accept %j', (notify) => {
    expect(messagesOf(notify)).toEqual([]);
  });

  it.each<[Readonly<Record<string, string>>, string]>([
    [{ 'commitStatus.provider': 'github' }, 'github needs a token'],
    [{ 'commitStatus.tokenFile': '/t' }, 'nobody knows whose token it is'],
    [{ 'commitStatus.repository': 'a/b' }, 'need a provider'],
    [
      { ...STATUS, 'commitStatus.repository': 'specs' },
      'notify.commitStatus.repository (--notify-commit-status-repository): expected the path',
    ],
    [{ 'webhook.url': 'https://a/', 'webhook.urlFile': '/u' }, 'excludes notify.webhook.urlFile'],
    [{ 'webhook.secretFile': '/s' }, 'need an address'],
    [{ 'webhook.url': 'https://a/', 'webhook.template': '{"a": "{{ mesage }}"}' }, 'expected JSON whose texts may hold {{ event }}'],
    [{ 'webhook.url': 'https://user:pass@a/' }, 'expected an http or https URL without user name and password'],
    [{ events: 'spec-borken' }, 'expected a list, each item one of sync-failed,'],
  ])('refuse %j', (notify, message) => {
    const messages = messagesOf(notify);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/^CONFIG_INVALID /);
    expect(messages[0]).toContain(message);
  });

  it('ask where commits have their status when the repository is hosted nowhere', () => {
    expect(messagesOf(STATUS, '/srv/specs.git')).toEqual([
      'CONFIG_INVALID notify.commitStatus: git.url does not tell where commits have a status',
    ]);
    expect(messagesOf({ ...STATUS, 'commitStatus.url': 'https://a', 'commitStatus.repository': 'a/b' }, '/srv/specs.git')).toEqual([]);
  });

  it('tell every file that cannot be read, at once', () => {
    const files = { 'slack.urlFile': '/u', 'webhook.urlFile': '/w', 'webhook.secretFile': '/s', ...STATUS };
    const flags = Object.fromEntries(Object.entries(files).map(([key, value]) => [`notify.${key}`, value]));
    const readFile = (): string => {
      throw Object.assign(new Error('no'), { code: 'ENOENT' });
    };
    const loaded = loadConfig({ env: {}, flags: { cluster: 'main', 'git.url': GIT, ...flags }, readFile });
    expect(loaded.kind === 'invalid' && loaded.problems.map(({ message }) => message.replace(/:.*/, ''))).toEqual([
      'notify.commitStatus.tokenFile',
      'notify.slack.urlFile',
      'notify.webhook.urlFile',
      'notify.webhook.secretFile',
    ]);
  });
});
