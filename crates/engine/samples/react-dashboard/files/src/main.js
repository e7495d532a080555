// The start of the page: its state, and drawing it again after each change.

import { App } from "./app.js";
import { orders } from "./data.js";
import { h, toDom } from "./h.js";

const root = document.querySelector("#root");
let state = { sort: "newest" };

function update(change) {
  state = { ...state, ...change };
  draw();
}

function draw() {
  root.replaceChildren(toDom(h(App, { orders, state, update }), document));
}

draw();
