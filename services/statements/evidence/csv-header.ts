/** As ClickHouse's CSVWithNames has it. */
export function csvHeader(columns: readonly string[]): Buffer {
  return Buffer.from(`${columns.map((name) => `"${name}"`).join(',')}\n`);
}
