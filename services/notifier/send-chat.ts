/**
 * Messages for chats that have incoming webhooks.
 */

import type { AlertChange } from '@tally/alerts';
import { TallyError } from '@tally/platform/errors';
import type { HttpPoster } from './http-post.ts';
import { readReference, type SecretSources } from './references.ts';
import type { ChatFormat } from './target.ts';
import { detailOf, type Send } from './told.ts';
import { chatTextOf, factsOf, subjectOf } from './wording.ts';

/** Slack's limit of a section's text is 3,000 characters. */
const SECTION_CHARS_MAX = 2_900;

export function chatSender({ http, secrets }: { http: HttpPoster; secrets: SecretSources }): Send {
  return async (target, { change }) => {
    let url: string;
    try {
      url = await readReference(target.address, secrets);
    } catch (error) {
      if (!(error instanceof TallyError)) throw error;
      return { outcome: 'failed', status: 0, detail: detailOf(error.message), retryAfterMs: 0 };
    }
    const body = JSON.stringify(chatBody(change, target.format));
    return http.post({ url, headers: { 'content-type': 'application/json' }, body, secrets: [] });
  };
}

/** `text`: Slack, Mattermost, Rocket.Chat, Google Chat; `blocks`: Slack; `card`: Teams workflows. */
export function chatBody(change: AlertChange, format: ChatFormat): object {
  const text = chatTextOf(change);
  if (format === 'text') return { text };
  if (format === 'blocks') {
    return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, SECTION_CHARS_MAX) } }] };
  }
  const plain = (words: string): string => words.replaceAll('](', ']\u200b(');
  const content = {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    body: [
      { type: 'TextBlock', weight: 'bolder', wrap: true, text: plain(subjectOf(change)) },
      { type: 'TextBlock', wrap: true, text: plain(change.alert.detail) },
      {
        type: 'FactSet',
        facts: factsOf(change).map(([title, value]) => ({ title: plain(title), value: plain(value) })),
      },
    ],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] };
}
