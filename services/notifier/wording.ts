/**
 * A change of an alert in words, as e-mail and chats have it. Whatever stands in it came from tenants' data: nothing of it
 * may become markup, a link or a call to everybody in a chat.
 */
import type { AlertChange } from '@tally/alerts';

const CHANGE_WORDS: Readonly<Record<AlertChange['change'], string>> = {
  opened: 'New',
  raised: 'Worse',
  lowered: 'Better',
  resolved: 'Over',
};

/** Name and value of each fact, in the order in which they are read. */
type Facts = readonly (readonly [name: string, value: string])[];

/** One line: `[critical] New: contoso has used 100 % of …`. */
export function subjectOf({ change, alert }: AlertChange): string {
  return oneLine(`[${alert.severity}] ${CHANGE_WORDS[change]}: ${alert.title}`);
}

export function factsOf({ id, at, alert }: AlertChange): Facts {
  const figures = Object.entries(alert.figures).map(([name, value]) => [name, String(value ?? '-')] as const);
  return [
    ['Tenant', alert.tenantId ?? 'operators'],
    ['About', alert.subject],
    ['Period', alert.period],
    ['Value', `${alert.value} ${alert.unit}`],
    ['Threshold', `${alert.threshold} ${alert.unit}`],
    ...figures,
    ['State', `${alert.state}, ${alert.severity}, at most ${alert.highestSeverity}`],
    ['Open since', alert.openedAt],
    ['Told', `${at}, rule ${alert.rule}, id ${id}`],
  ];
}

export function textMailOf(change: AlertChange): string {
  const facts = factsOf(change).map(([name, value]) => `${name}: ${oneLine(value)}`);
  return [oneLine(change.alert.title), '', change.alert.detail, '', ...facts, ''].join('\n');
}

export function htmlMailOf(change: AlertChange): string {
  const rows = factsOf(change).map(
    ([name, value]) => `<tr><th align="left">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const { title, detail } = change.alert;
  return `<!doctype html><html><body><h2>${escapeHtml(subjectOf(change))}</h2>
<p><strong>${escapeHtml(title)}</strong></p>
<p>${escapeHtml(detail).replaceAll('\n', '<br>')}</p>
<table>${rows.join('\n')}</table></body></html>`;
}

/** A few lines for a chat, escaped as Slack wants it, which Mattermost and the like read the same. */
export function chatTextOf(change: AlertChange): string {
  const { alert } = change;
  const [tenant, about] = [alert.tenantId ?? 'operators', `${alert.subject}, ${alert.period}`];
  return [`*${escapeChat(subjectOf(change))}*`, escapeChat(alert.detail), escapeChat(`${tenant} · ${about}`)].join(
    '\n',
  );
}

const HTML_ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ENTITIES[character] ?? '');
}

/** No `<!channel>`, no `<url|other words>`, no `@all`, no `[words](url)`: a space of no width keeps them from being read so. */
export function escapeChat(text: string): string {
  const marked = text.replace(/[&<>]/g, (character) => HTML_ENTITIES[character] ?? '');
  return marked.replaceAll('@', '@\u200b').replaceAll('](', ']\u200b(');
}

function oneLine(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}
