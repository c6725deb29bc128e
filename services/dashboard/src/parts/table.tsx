/**
 * A table as all of them are: a caption for who does not see it, headings, figures to the right. On a phone each row is a
 * card, with the roles that the change of layout would take away.
 */
import type { ReactNode } from 'react';

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  /** Figures stand to the right. */
  isFigure?: boolean;
  /** The cell that names the row. */
  isHead?: boolean;
}

export interface TableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  toneOf?: (row: Row) => string | undefined;
}

export function Table<Row>({ caption, columns, rows, keyOf, toneOf }: TableProps<Row>): ReactNode {
  return (
    <div className="table-place">
      {/* biome-ignore-start lint/a11y/noRedundantRoles: cells that are laid out as blocks lose theirs */}
      <table role="table" className="cards">
        <caption className="unseen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name, isFigure }) => (
              <th key={name} role="columnheader" scope="col" className={isFigure ? 'figure' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row" className={toneOf?.(row)}>
              {columns.map((column) => (
                <Cell key={column.name} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {/* biome-ignore-end lint/a11y/noRedundantRoles: see above */}
    </div>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }): ReactNode {
  const { name, cell, isFigure, isHead } = column;
  const figure = isFigure ? 'figure' : undefined;
  if (isHead) {
    return (
      // biome-ignore lint/a11y/noRedundantRoles: see above
      <th role="rowheader" scope="row">
        {cell(row)}
      </th>
    );
  }
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <td role="cell" className={figure} data-name={name}>
      {cell(row)}
    </td>
  );
}
