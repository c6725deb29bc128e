import { describe, expect, it } from 'vitest';
import { modeOf } from './mode.ts';
import { readEvents } from './read-events.ts';
import { BATCHED, STRUCTURED } from './test-gateway.ts';

describe('modeOf', () => {
  it.each([
    [STRUCTURED, 'structured'],
    ['Application/CloudEvents+JSON; charset=UTF-8', 'structured'],
    [`${BATCHED};charset="utf-8"`, 'batched'],
    ['application/json', 'binary'],
    ['application/vnd.acme.mail+json; v=2', 'binary'],
  ])('takes %s as %s', (contentType, mode) => {
    expect(modeOf({ 'content-type': contentType })).toBe(mode);
  });

  it.each([
    [undefined],
    [''],
    ['text/plain'],
    ['application/cloudevents+avro'],
    ['application/cloudevents'],
    ['application/xml'],
    ['application/json; charset=iso-8859-1'],
  ])('refuses %s', (contentType) => {
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    expect(() => modeOf(headers)).toThrow(expect.objectContaining({ status: 415, code: 'unsupported-media-type' }));
  });

  it('refuses a compressed body', () => {
    const headers = { 'content-type': STRUCTURED, 'content-encoding': 'gzip' };
    expect(() => modeOf(headers)).toThrow(expect.objectContaining({ status: 415, code: 'unsupported-encoding' }));
    expect(modeOf({ ...headers, 'content-encoding': 'identity' })).toBe('structured');
  });
});

describe('readEvents in the binary mode', () => {
  const read = (rawHeaders: string[], body = '{"a":1}') =>
    readEvents({ mode: 'binary', rawHeaders, body: Buffer.from(body) }, 1)[0];
  const VERSION = ['ce-specversion', '1.0'];

  it.each([
    ['plain', 'plain'],
    ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
    ['%2541', '%41'],
    ['"quoted \\"text\\" with \\\\"', 'quoted "text" with \\'],
    ['"%41"', 'A'],
    ['a b', 'a b'],
  ])('decodes %s', (value, id) => {
    expect(read([...VERSION, 'CE-ID', value])).toEqual({ specversion: '1.0', id, data: { a: 1 } });
  });

  it.each([['100%'], ['%zz'], ['%ff'], ['%ED%A0%80'], ['%C0%AF'], ['caf\u00e9']])('refuses %s', (value) => {
    expect(() => read([...VERSION, 'ce-id', value])).toThrow(expect.objectContaining({ code: 'invalid-header' }));
  });

  it('refuses an attribute that stands there twice', () => {
    expect(() => read([...VERSION, 'ce-id', 'a', 'Ce-Id', 'b'])).toThrow(
      expect.objectContaining({ code: 'invalid-header' }),
    );
  });

  it('takes data from the body alone', () => {
    const headers = [...VERSION, 'ce-data', '{"b":2}', 'ce-datacontenttype', 'text/plain', 'ce-__proto__', 'x'];
    expect(read(headers)).toEqual({ specversion: '1.0', data: { a: 1 } });
    expect(read(VERSION, '')).toEqual({ specversion: '1.0' });
  });

  it('refuses a request without ce- headers', () => {
    expect(() => read(['content-type', 'application/json'])).toThrow(
      expect.objectContaining({ code: 'not-a-cloudevent', status: 400 }),
    );
  });
});

describe('readEvents in the batched mode', () => {
  const read = (body: string | Buffer) =>
    readEvents({ mode: 'batched', rawHeaders: [], body: Buffer.from(body as string) }, 3);

  it.each([
    ['[]', 'empty-batch', 400],
    ['{}', 'not-a-batch', 400],
    ['null', 'not-a-batch', 400],
    ['', 'invalid-json', 400],
    ['[1,', 'invalid-json', 400],
    ['[NaN]', 'invalid-json', 400],
    ['[1,2,3,4]', 'batch-too-large', 413],
  ])('refuses %s as %s', (body, code, status) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code, status }));
  });

  it('refuses bytes that are not UTF-8, which would make two ids one', () => {
    const body = Buffer.concat([Buffer.from('[{"id":"'), Buffer.from([0xff]), Buffer.from('"}]')]);
    expect(() => read(body)).toThrow(expect.objectContaining({ code: 'invalid-utf8' }));
  });

  it('takes a batch of exactly the limit', () => {
    expect(read('[1,2,3]')).toEqual([1, 2, 3]);
  });
});
