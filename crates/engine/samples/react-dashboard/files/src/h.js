// Elements in React style: made by `h`, and turned into text or into DOM nodes.

const VOID = new Set(["br", "hr", "img", "input", "link", "meta"]);
const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "rect", "text", "title", "line", "path"]);

/** An element, or what a component returns for its props. */
export function h(type, props, ...children) {
  const given = { ...props, children: children.flat(Infinity).filter((child) => child !== null && child !== false) };
  if (typeof type === "function") return type(given);
  const { children: kept, ...attributes } = given;
  return { tag: type, props: attributes, children: kept };
}

/** The element as HTML. */
export function renderToString(element) {
  if (typeof element !== "object") return escape(String(element));
  const attributes = Object.entries(element.props)
    .filter(([name, value]) => !name.startsWith("on") && value !== false && value !== undefined)
    .map(([name, value]) => (value === true ? ` ${attribute(name)}` : ` ${attribute(name)}="${escape(String(value))}"`))
    .join("");
  const open = `<${element.tag}${attributes}>`;
  return VOID.has(element.tag) ? open : `${open}${element.children.map(renderToString).join("")}</${element.tag}>`;
}

/** The element as a DOM node, with its listeners. */
export function toDom(element, document) {
  if (typeof element !== "object") return document.createTextNode(String(element));
  const isSvg = SVG_TAGS.has(element.tag);
  const node = isSvg ? document.createElementNS(SVG, element.tag) : document.createElement(element.tag);
  for (const [name, value] of Object.entries(element.props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2).toLowerCase(), value);
    else if (value !== false && value !== undefined) node.setAttribute(attribute(name), value === true ? "" : value);
  }
  node.append(...element.children.map((child) => toDom(child, document)));
  return node;
}

/** Every element inside one, itself first, for which a test is true. */
export function findAll(element, test) {
  if (typeof element !== "object") return [];
  const inside = element.children.flatMap((child) => findAll(child, test));
  return test(element) ? [element, ...inside] : inside;
}

function attribute(name) {
  return name === "className" ? "class" : name;
}

function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (sign) => names[sign]);
}
