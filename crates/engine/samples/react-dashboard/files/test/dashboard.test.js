// The renderer, the page and what is computed for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { App } from "../src/app.js";
import { BarChart } from "../src/components/bar-chart.js";
import { findAll, h, renderToString } from "../src/h.js";
import { euros, revenue, revenueByDay, sortOrders } from "../src/orders.js";

const orders = [
  { id: 1, day: "2025-03-01", customer: "Ada", status: "paid", cents: 1000 },
  { id: 2, day: "2025-03-02", customer: "<Bob>", status: "cancelled", cents: 9000 },
  { id: 3, day: "2025-03-02", customer: "Cem", status: "sent", cents: 2500 },
];

test("elements become HTML, with their text escaped", () => {
  const Bold = ({ children }) => h("b", null, children);
  const element = h("p", { className: "note", hidden: true, title: 'a "b"', onClick() {} }, h(Bold, null, "1 < 2"), null);
  assert.equal(renderToString(element), '<p class="note" hidden title="a &quot;b&quot;"><b>1 &lt; 2</b></p>');
  assert.equal(renderToString(h("br", null)), "<br>");
});

test("cancelled orders bring no revenue", () => {
  assert.equal(revenue(orders), 3500);
  assert.deepEqual(revenueByDay(orders), [
    { label: "2025-03-01", value: 1000 },
    { label: "2025-03-02", value: 2500 },
  ]);
  assert.equal(euros(3500), "€35.00");
});

test("orders are sorted without changing the list", () => {
  assert.deepEqual(sortOrders(orders, "highest").map(({ id }) => id), [2, 3, 1]);
  assert.deepEqual(sortOrders(orders, "newest").map(({ id }) => id), [2, 3, 1]);
  assert.deepEqual(orders.map(({ id }) => id), [1, 2, 3]);
});

test("the highest bar fills the chart", () => {
  const chart = BarChart({ title: "Revenue", bars: revenueByDay(orders) });
  assert.deepEqual(findAll(chart, ({ tag }) => tag === "rect").map(({ props }) => props.height), [48, 120]);
});

test("a click on a heading asks for its order", () => {
  const changes = [];
  const page = h(App, { orders, state: { sort: "newest" }, update: (change) => changes.push(change) });
  const heading = (label) => findAll(page, ({ tag, children }) => tag === "button" && children[0] === label)[0];
  heading("Amount").props.onClick();
  heading("Day").props.onClick();
  assert.deepEqual(changes, [{ sort: "highest" }, { sort: "oldest" }]);
  assert.match(renderToString(page), /&lt;Bob&gt;/);
});
