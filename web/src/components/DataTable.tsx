// biome-ignore-all lint/a11y/useSemanticElements: a grid takes the roles of a table's elements away
// biome-ignore-all lint/a11y/useFocusableInteractive: nothing of it is interactive
// Records in columns; on a narrow screen each record is a block with its fields below one another.

import type { CSSProperties, ReactNode } from "react";
import css from "./DataTable.module.css";

export interface Column<Row> {
  head: string;
  /** The column's track of the grid, as `minmax(0, 1fr)`. */
  width: string;
  cell: (row: Row) => ReactNode;
  /** Whether the head is for screen readers only, as above buttons. */
  isHeadHidden?: boolean;
}

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
}

export function DataTable<Row>({ label, columns, rows, keyOf }: Props<Row>) {
  const template = columns.map(({ width }) => width).join(" ");
  return (
    <div
      role="table"
      aria-label={label}
      className={css.table}
      // The types of styles have no custom properties.
      style={{ "--columns": template } as CSSProperties}
    >
      <div role="row" className={`${css.row} ${css.heads}`}>
        {columns.map(({ head, isHeadHidden }) => (
          <span key={head} role="columnheader" className={isHeadHidden ? css.hidden : undefined}>
            {head}
          </span>
        ))}
      </div>
      {rows.map((row) => (
        <div key={keyOf(row)} role="row" className={css.row}>
          {columns.map(({ head, cell, isHeadHidden }) => (
            <div key={head} role="cell" className={css.cell}>
              {!isHeadHidden && (
                <span aria-hidden className={css.label}>
                  {head}
                </span>
              )}
              {cell(row)}
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
