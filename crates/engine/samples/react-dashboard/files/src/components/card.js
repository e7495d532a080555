// A number with its name.

import { h } from "../h.js";

export function Card({ label, value }) {
  return h("dl", { className: "card" }, h("dt", null, label), h("dd", null, value));
}
