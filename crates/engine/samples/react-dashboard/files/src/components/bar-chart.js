// A bar chart as SVG.

import { h } from "../h.js";
import { euros } from "../orders.js";

const HEIGHT = 120;
const STEP = 60;

export function BarChart({ title, bars }) {
  const highest = Math.max(1, ...bars.map(({ value }) => value));
  return h(
    "svg",
    { className: "bar-chart", viewBox: `0 0 ${bars.length * STEP} ${HEIGHT + 20}`, role: "img", "aria-label": title },
    bars.map(({ label, value }, at) => {
      const height = Math.round((value / highest) * HEIGHT);
      return h(
        "g",
        null,
        h("title", null, `${label}: ${euros(value)}`),
        h("rect", { x: at * STEP + 6, y: HEIGHT - height, width: STEP - 12, height, fill: "#2563eb" }),
        h("text", { x: at * STEP + STEP / 2, y: HEIGHT + 14, "text-anchor": "middle", "font-size": 10, fill: "#4b5563" }, label.slice(5)),
      );
    }),
  );
}
