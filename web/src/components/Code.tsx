// Text as a machine wrote it, in a box that scrolls.

import css from "./Code.module.css";
import { FileName, Verbatim } from "./FileName";

export function Code({ text, maxHeight = 320 }: { text: string; maxHeight?: number }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <pre tabIndex={0} className={css.box} style={{ maxHeight }}>
      <Verbatim text={text} />
    </pre>
  );
}

/** A short piece of code within a sentence. */
export function Mono({ children }: { children: string }) {
  return (
    <code className={css.mono}>
      <Verbatim text={children} />
    </code>
  );
}

/** The name or the path of a file within a sentence. */
export function MonoFile({ name }: { name: string }) {
  return (
    <code className={css.mono}>
      <FileName name={name} />
    </code>
  );
}
