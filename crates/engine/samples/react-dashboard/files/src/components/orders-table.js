// The orders as a table; a heading sorts.

import { h } from "../h.js";
import { euros } from "../orders.js";

export function OrdersTable({ orders, sort, onSort }) {
  const heading = (label, next) => h("th", null, h("button", { type: "button", onClick: () => onSort(next) }, label));
  return h(
    "table",
    null,
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        heading("Day", sort === "newest" ? "oldest" : "newest"),
        h("th", null, "Customer"),
        h("th", null, "Status"),
        heading("Amount", "highest"),
      ),
    ),
    h(
      "tbody",
      null,
      orders.map(({ day, customer, status, cents }) =>
        h("tr", null, h("td", null, day), h("td", null, customer), h("td", null, status), h("td", null, euros(cents))),
      ),
    ),
  );
}
