// Paper is white: what is printed has dark letters, whatever the theme.

/** The attribute that says which color scheme is shown. */
const SCHEME = "data-scheme";

/** Prints in the light scheme. */
export function printLight(root: HTMLElement, events: EventTarget): void {
  let shown: string | null = null;
  events.addEventListener("beforeprint", () => {
    shown = root.getAttribute(SCHEME);
    root.setAttribute(SCHEME, "light");
  });
  events.addEventListener("afterprint", () => {
    if (shown !== null) root.setAttribute(SCHEME, shown);
    shown = null;
  });
}
