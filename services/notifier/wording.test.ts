import { describe, expect, it } from 'vitest';
import { chatBody } from './send-chat.ts';
import { testChange } from './test-change.ts';
import { detailOf } from './told.ts';
import { escapeChat, escapeHtml, htmlMailOf, subjectOf, textMailOf } from './wording.ts';

const HOSTILE = `<script>alert("x")</script> & 'y' <!channel> @all [click](https://evil.example)\r\nBcc: eve@evil.example`;
const change = testChange('change-1', {
  title: HOSTILE,
  detail: HOSTILE,
  subject: HOSTILE,
  figures: { [HOSTILE]: HOSTILE },
});

describe('what stands in an alert', () => {
  it('is no markup in HTML', () => {
    expect(escapeHtml(`<a href="x" id='y'>&`)).toBe('&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;');
    const html = htmlMailOf(change);
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<!channel');
    expect(html).toContain('&lt;script&gt;');
  });

  it('is one line in a subject, and in the first line of a text', () => {
    expect(subjectOf(change)).not.toMatch(/[\r\n]/);
    expect(textMailOf(change).split('\n')[0]).toContain('Bcc:');
  });

  it('calls nobody and links nowhere in a chat', () => {
    expect(escapeChat('<!channel> <https://evil.example|here> & @all [a](b)')).toBe(
      '&lt;!channel&gt; &lt;https://evil.example|here&gt; &amp; @\u200ball [a]\u200b(b)',
    );
  });

  it.each(['text', 'blocks', 'card'] as const)('is whole in the chat format %s, and no link', (format) => {
    const body = JSON.stringify(chatBody(change, format));
    expect(body).toContain('alert(');
    expect(body).not.toContain('](http');
    if (format !== 'card') expect(body).not.toContain('<!channel>');
  });

  it('takes the form that each chat wants', () => {
    const plain = testChange('change-2');
    expect(chatBody(plain, 'text')).toEqual({ text: expect.stringContaining('*[warning] New: contoso has used 91 %') });
    expect(chatBody(plain, 'blocks')).toMatchObject({ blocks: [{ type: 'section', text: { type: 'mrkdwn' } }] });
    expect(chatBody(plain, 'card')).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content: { type: 'AdaptiveCard' } }],
    });
  });
});

describe('a detail', () => {
  it('is one line without secrets, and not long', () => {
    expect(detailOf('bad\r\n\u001b[31mtoken  s3cret!', ['s3cret', ''])).toBe('bad [31mtoken ***!');
    expect(detailOf('x'.repeat(1_000))).toHaveLength(300);
  });
});
