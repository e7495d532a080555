// Text as a machine wrote it, in a box that scrolls.

import css from "./Code.module.css";

export function Code({ text, maxHeight = 320 }: { text: string; maxHeight?: number }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <pre tabIndex={0} className={css.box} style={{ maxHeight }}>
      {text}
    </pre>
  );
}

/** A short piece of code within a sentence. */
export function Mono({ children }: { children: string }) {
  return <code className={css.mono}>{children}</code>;
}
