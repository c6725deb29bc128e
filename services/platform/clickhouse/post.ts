/**
 * A request that the client library has no form for: a body of several parts. Node's own client, since `fetch` cannot be
 * told whose certificates to take.
 */

// An import would look at every export of them, which makes Node load its WebSockets: 90 ms of every start.
const { request: requestPlain } = process.getBuiltinModule('node:http');
const { request: requestTls } = process.getBuiltinModule('node:https');

export interface Posted {
  status: number;
  header: (name: string) => string | undefined;
  bytes: Buffer;
}

export interface PostOptions {
  form: FormData;
  headers: Readonly<Record<string, string>>;
  /** Who may have signed the server's certificate, PEM. */
  ca: string | undefined;
  timeoutMs: number;
}

/** Sends a form and resolves with the whole answer, whatever its status. Rejects when none comes. */
export async function post(url: URL, { form, headers, ca, timeoutMs }: PostOptions): Promise<Posted> {
  // Has the parts written out, and their boundary as content type.
  const encoded = new Response(form);
  const body = Buffer.from(await encoded.arrayBuffer());
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  const { promise, resolve, reject } = Promise.withResolvers<Posted>();
  const sent = request(
    url,
    {
      method: 'POST',
      headers: { ...headers, 'content-type': encoded.headers.get('content-type') ?? '', 'content-length': body.length },
      signal: AbortSignal.timeout(timeoutMs),
      ...(ca === undefined ? {} : { ca }),
    },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          header: (name) => String(answer.headers[name] ?? '') || undefined,
          bytes: Buffer.concat(chunks),
        }),
      );
    },
  );
  sent.once('error', reject);
  sent.end(body);
  return promise;
}
