// The key words of EARS set off in rendered requirements, so that a criterion's shape is seen at a glance.

/** Longer ones first: IF is read before THEN, THE before SHALL. */
const WORDS = /\b(WHEN|WHILE|WHERE|IF|THEN|THE|SHALL NOT|SHALL|AND|OR)\b/g;
/** A text is a criterion when it says what something shall do. */
const IS_CRITERION = /\bSHALL\b/;

/** The members of a rendered node that are used here. */
interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** A plugin that marks the key words in items and paragraphs which are criteria. */
export function markEars() {
  return (tree: Node) => visit(tree);
}

function visit(node: Node): void {
  if (node.type === "element" && (node.tagName === "code" || node.tagName === "pre")) return;
  const children = node.children ?? [];
  const isCriterion = children.some((child) => child.type === "text" && IS_CRITERION.test(child.value ?? ""));
  children.forEach(visit);
  if (isCriterion) node.children = children.flatMap(marked);
}

function marked(node: Node): Node[] {
  if (node.type !== "text" || node.value === undefined) return [node];
  return node.value
    .split(WORDS)
    .filter((part) => part !== "")
    .map((value) =>
      /^[A-Z]{2,}( NOT)?$/.test(value) && value.match(WORDS)
        ? {
            type: "element",
            tagName: "span",
            properties: { dataEars: value.startsWith("SHALL") ? "shall" : "word" },
            children: [{ type: "text", value }],
          }
        : { type: "text", value },
    );
}
