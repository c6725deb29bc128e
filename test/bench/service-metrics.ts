/**
 * What services say of themselves at `GET /metrics`.
 */

const ASK_MS_MAX = 2_000;

/**
 * Metrics without labels, added up over services; null when there is no service, or one does not answer in time: a busy
 * one is not waited for.
 */
export async function gaugesOf(
  urls: readonly string[],
  names: readonly string[],
): Promise<ReadonlyMap<string, number> | null> {
  if (urls.length === 0) return null;
  const sums = new Map(names.map((name) => [name, 0]));
  try {
    for (const text of await Promise.all(urls.map(ask))) {
      for (const line of text.split('\n')) {
        const [name = '', value = ''] = line.split(' ');
        const sum = sums.get(name);
        if (sum !== undefined) sums.set(name, sum + Number(value));
      }
    }
    return sums;
  } catch {
    return null;
  }
}

async function ask(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ASK_MS_MAX) });
  return answer.text();
}
