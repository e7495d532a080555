// A sentence in which words between backticks are code.

import { Mono } from "./Code";
import { Verbatim } from "./FileName";

export function Inline({ text }: { text: string }) {
  return text.split(/(`[^`]+`)/).map((part, at) =>
    part.length > 2 && part.startsWith("`") && part.endsWith("`") ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never move
      <Mono key={at}>{part.slice(1, -1)}</Mono>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence never move
      <Verbatim key={at} text={part} />
    ),
  );
}
