// What axe finds in an element. What needs a layout, such as contrast, is looked at in a browser (`e2e`).

import axe from "axe-core";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function findings(element: Element = document.body): Promise<string[]> {
  const { violations } = await axe.run(element, {
    runOnly: RULES,
    rules: { "color-contrast": { enabled: false }, "target-size": { enabled: false } },
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
