/**
 * Requests as they go over the wire: nothing in the path is tidied up, and every header of the answer is there.
 */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Sent {
  method?: string;
  key?: string | undefined;
  headers?: Record<string, string>;
  body?: object | undefined;
}

export interface Got {
  status: number;
  /** Of a problem; empty otherwise. */
  code: string;
  text: string;
  body: Record<string, unknown>;
  headers: Record<string, string | string[] | undefined>;
}

/** Asks the server at `url` for exactly this path. */
export async function ask(url: string, path: string, { method = 'GET', key, headers, body }: Sent = {}): Promise<Got> {
  const { hostname, port } = new URL(url);
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const answer = await new Promise<{ status: number; text: string; headers: Got['headers'] }>((resolve, reject) => {
    const call = request({
      host: hostname,
      port,
      path,
      method,
      agent: false,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(sent === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
        ...headers,
      },
    });
    call.once('error', reject);
    call.once('response', (response) => {
      text(response).then(
        (all) => resolve({ status: response.statusCode ?? 0, text: all, headers: response.headers }),
        reject,
      );
    });
    call.end(sent);
  });
  const type = String(answer.headers['content-type'] ?? '');
  const parsed = (type.includes('json') && answer.text !== '' ? JSON.parse(answer.text) : {}) as Got['body'];
  return { ...answer, body: parsed, code: type.includes('problem') ? String(parsed['code']) : '' };
}
