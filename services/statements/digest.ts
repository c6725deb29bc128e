/**
 * A statement as the bytes that are kept and handed out, and the digest that ties it to the one before it.
 */
import { createHash } from 'node:crypto';
import { TallyError } from '@tally/platform/errors';
import canonicalize from 'canonicalize';
import { type Statement, type StatementContent, statementDocument } from './document.ts';

/** `sha256:` and 64 hexadecimal digits, of the content in its RFC 8785 form. */
export function digestOf(content: StatementContent | Statement): string {
  const { digest: _, ...rest } = { digest: undefined, ...content };
  return `sha256:${createHash('sha256').update(canonical(rest)).digest('hex')}`;
}

export function sealed(content: StatementContent): Statement {
  return { ...content, digest: digestOf(content) };
}

/** The bytes of a statement: RFC 8785, UTF-8, the same for ever. */
export function textOf(statement: Statement): string {
  return canonical(statement);
}

/** Throws `STATEMENT_UNREADABLE` for text that is no statement. Whether its digest is right is not looked at. */
export function statementOf(text: string): Statement {
  try {
    return statementDocument.parse(JSON.parse(text));
  } catch (cause) {
    throw new TallyError('the text is no statement', { code: 'STATEMENT_UNREADABLE', retriable: false, cause });
  }
}

function canonical(value: object): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('an object has a canonical form');
  return text;
}
