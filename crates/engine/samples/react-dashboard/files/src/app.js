// The whole page as a component.

import { BarChart } from "./components/bar-chart.js";
import { Card } from "./components/card.js";
import { OrdersTable } from "./components/orders-table.js";
import { h } from "./h.js";
import { euros, revenue, revenueByDay, sortOrders } from "./orders.js";

export function App({ orders, state, update }) {
  return h(
    "main",
    { className: "dashboard" },
    h(
      "header",
      null,
      h("h1", null, "Orders"),
    ),
    h(
      "section",
      { className: "cards" },
      h(Card, { label: "Orders", value: String(orders.length) }),
      h(Card, { label: "Revenue", value: euros(revenue(orders)) }),
      h(Card, { label: "To be sent", value: String(orders.filter(({ status }) => status === "paid").length) }),
    ),
    h(BarChart, { title: "Revenue by day", bars: revenueByDay(orders) }),
    h(OrdersTable, {
      orders: sortOrders(orders, state.sort),
      sort: state.sort,
      onSort: (sort) => update({ sort }),
    }),
  );
}
