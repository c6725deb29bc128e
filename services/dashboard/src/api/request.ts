/**
 * A call of the api by the user's session.
 */
const REQUEST_MS_MAX = 20_000;
const UNSAFE_HEADER = { 'x-tally-request': 'dashboard' } as const;

/** What went wrong with a call, in words that may be shown. */
export class ApiFault extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor({ status, code, message, cause }: { status: number; code: string; message: string; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ApiFault';
    this.status = status;
    this.code = code;
  }

  /** The api, or something it needs, is away; the same call may succeed in a moment. */
  get isAway(): boolean {
    return this.status === 0 || (this.status >= 502 && this.status <= 504);
  }
}

/** The answer's JSON, undefined where it has none. Throws an ApiFault. */
export async function request<Answer>(
  path: string,
  options: { method?: 'GET' | 'POST' | 'DELETE'; body?: object; signal?: AbortSignal } = {},
): Promise<Answer> {
  const { method = 'GET', body, signal } = options;
  const limits = [AbortSignal.timeout(REQUEST_MS_MAX), ...(signal ? [signal] : [])];
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(method === 'GET' ? {} : UNSAFE_HEADER),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.any(limits),
  }).catch((cause: unknown) => {
    throw new ApiFault({ status: 0, code: 'no-answer', message: 'Tally does not answer.', cause });
  });
  const text = await response.text().catch((cause: unknown) => {
    throw new ApiFault({ status: 0, code: 'no-answer', message: 'The answer was cut off.', cause });
  });
  if (!response.ok) throw faultOf(response.status, text);
  try {
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  } catch (cause) {
    throw new ApiFault({ status: 502, code: 'no-json', message: 'Something else than Tally answered.', cause });
  }
}

/** From problem details (RFC 9457), or from whatever stands between. */
export function faultOf(status: number, text: string): ApiFault {
  let code = `http-${status}`;
  let message = status >= 500 ? 'Tally could not answer.' : 'Tally refused the request.';
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === 'object' && problem !== null) {
      if ('code' in problem && typeof problem.code === 'string') code = problem.code;
      if ('detail' in problem && typeof problem.detail === 'string') message = problem.detail;
    }
  } catch {
    // A gateway's page, which says nothing that a reader needs.
  }
  return new ApiFault({ status, code, message });
}
