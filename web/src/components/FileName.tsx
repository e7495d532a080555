// Names of files and pieces of code from outside: what is hidden in them is named.

import { nameParts, type Part, textParts } from "../model/hidden";
import css from "./FileName.module.css";

/** The name or the path of a file: from left to right whatever its letters are, and apart from the text around it. */
export function FileName({ name }: { name: string }) {
  return (
    <bdi dir="ltr">
      <Parts parts={nameParts(name)} />
    </bdi>
  );
}

/** A text as a machine wrote it, in which nothing turns the direction of writing unseen. */
export function Verbatim({ text }: { text: string }) {
  return <Parts parts={textParts(text)} />;
}

function Parts({ parts }: { parts: readonly Part[] }) {
  return parts.map((part, at) =>
    part.hidden === undefined ? (
      part.text
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text never move
      <span key={at} className={css.hidden} title={`Hidden character: ${part.meaning}`}>
        {part.hidden}
      </span>
    ),
  );
}
