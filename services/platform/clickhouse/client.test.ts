import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ClickHouse } from './client.ts';

describe('an answer that a full disk has cut short, with status 200', () => {
  let server: Server;

  afterEach(() => server.close());

  async function answering(body: string, summary?: string): Promise<ClickHouse> {
    server = createServer((request, response) => {
      request.resume();
      request.once('end', () => {
        response.writeHead(200, {
          connection: 'close',
          'content-type': 'application/json',
          ...(summary === undefined ? {} : { 'x-clickhouse-summary': summary }),
        });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new ClickHouse({ url: `http://127.0.0.1:${port}`, database: 'any' });
  }

  const table = { name: 'asked', structure: 'n UInt64', rowBinary: Buffer.alloc(8) };

  it.each([
    ['nothing of one row', '', '{"result_rows":"1"}'],
    ['a half of two rows', '12345678', '{"result_rows":"2"}'],
    ['a part of a row', '1234', '{"result_rows":"1"}'],
    ['no word about rows', '12345678', undefined],
  ])('is refused as retriable by a query with a table: %s', async (_, body, summary) => {
    const clickhouse = await answering(body, summary);
    const answer = clickhouse.queryWithTable('SELECT', table, 8);
    await expect(answer).rejects.toMatchObject({ code: 'CLICKHOUSE_ANSWER_CUT', retriable: true });
    await clickhouse.close();
  });

  it('is refused as retriable by a query', async () => {
    const clickhouse = await answering('{"n":1}\n', '{"result_rows":"2"}');
    await expect(clickhouse.query('SELECT')).rejects.toMatchObject({ code: 'CLICKHOUSE_ANSWER_CUT', retriable: true });
    await clickhouse.close();
  });

  const streamed = async (body: string): Promise<string> => {
    const clickhouse = await answering(body);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of clickhouse.streamRaw('SELECT')) chunks.push(chunk);
    } finally {
      await clickhouse.close();
    }
    return Buffer.concat(chunks).toString();
  };

  it.each([
    ['nothing', ''],
    ['rows alone', 'row row row row row row row row'],
    ['a part of the end mark', 'row tally:end-of-answe'],
    ['something behind the end mark', 'row tally:end-of-answer.'],
  ])('is refused as retriable by a stream: %s', async (_, body) => {
    await expect(streamed(body)).rejects.toMatchObject({ code: 'CLICKHOUSE_ANSWER_CUT', retriable: true });
  });

  it('is streamed without its end mark when it is whole', async () => {
    expect(await streamed('row tally:end-of-answer')).toBe('row ');
    server.close();
    expect(await streamed('tally:end-of-answer')).toBe('');
  });

  it('passes when it is whole', async () => {
    const clickhouse = await answering('12345678', '{"result_rows":"1"}');
    expect(await clickhouse.queryWithTable('SELECT', table, 8)).toEqual(Buffer.from('12345678'));
    await clickhouse.close();
  });

  it('passes when there truly are no rows', async () => {
    const clickhouse = await answering('', '{"result_rows":"0"}');
    expect(await clickhouse.query('SELECT')).toEqual([]);
    await clickhouse.close();
  });
});
