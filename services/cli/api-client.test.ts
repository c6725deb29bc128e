import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';

let server: Server | undefined;

afterEach(() => {
  server?.close();
});

/** An api that refuses so many requests, each with this `Retry-After`; the times when they came. */
async function refusing(refusals: number, retryAfter: string): Promise<{ client: ApiClient; came: number[] }> {
  const came: number[] = [];
  server = createServer((_request, response) => {
    came.push(performance.now());
    const refused = came.length <= refusals;
    response.writeHead(refused ? 429 : 200, { 'content-type': 'application/json', 'retry-after': retryAfter });
    response.end(JSON.stringify(refused ? { code: 'too-many-requests', detail: 'too many' } : { tenants: [], asOf }));
  });
  const asOf = { computedAt: new Date(0).toISOString(), positions: {} };
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { client: new ApiClient(`http://127.0.0.1:${port}`, 'key'), came };
}

it('comes again when the api says so', async () => {
  const { client, came } = await refusing(1, '1');
  expect(await client.tenants()).toEqual([]);
  expect(came).toHaveLength(2);
  expect((came[1] ?? 0) - (came[0] ?? 0)).toBeGreaterThan(950);
});

it.each([
  ['again and again', 3, '0', 3],
  ['for longer than anybody waits', 1, '3600', 1],
  ['without saying for how long', 1, '', 1],
])('says so when it is refused %s', async (_how, refusals, retryAfter, times) => {
  const { client, came } = await refusing(refusals, retryAfter);
  await expect(client.tenants()).rejects.toMatchObject({ code: 'too-many-requests' });
  expect(came).toHaveLength(times);
});

it.each([
  ['no address', 'nonsense', 'API_ADDRESS'],
  ['an address where nothing listens', 'http://127.0.0.1:1', 'API_UNAVAILABLE'],
])('says so when it is given %s', async (_what, address, code) => {
  await expect(new ApiClient(address, 'key').tenants()).rejects.toMatchObject({ code });
});

it('says why it gets no answer, not only that it gets none', async () => {
  const { client } = await refusing(0, '');
  await new Promise((resolve) => server?.close(resolve));
  await expect(client.tenants()).rejects.toThrow(/ECONNREFUSED/);
});

it.each([
  ['a page', 200, '<html>'],
  ['other JSON', 200, '{"x":1}'],
  ['a refusal in words', 404, 'There is nothing here'],
  ['a proxy’s refusal', 502, '<h1>Bad Gateway</h1>'],
])('tells %s apart from an answer of the api', async (_what, status, body) => {
  server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const asked = new ApiClient(`http://127.0.0.1:${port}`, 'key').tenants();
  await expect(asked).rejects.toMatchObject({ code: 'API_ANSWER', retriable: status >= 500 });
});
