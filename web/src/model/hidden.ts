// Characters that are not seen and change how a text reads: a right-to-left override shows `exe.gpj` for a name that
// ends in `jpg.exe`.

/** The controls of the direction of writing. */
const DIRECTION = "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069";
/** Further characters that no name of a file is read with: controls, line breaks, marks without width. */
const UNSEEN = "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u200b\\u2028\\u2029\\u2060\\ufeff";

const IN_TEXT = new RegExp(`([${DIRECTION}])`);
const IN_NAME = new RegExp(`([${DIRECTION}${UNSEEN}])`);

const MEANINGS: Record<number, string> = {
  1564: "Arabic letter mark",
  8206: "left-to-right mark",
  8207: "right-to-left mark",
  8234: "left-to-right embedding",
  8235: "right-to-left embedding",
  8236: "end of an embedding or override",
  8237: "left-to-right override",
  8238: "right-to-left override",
  8294: "left-to-right isolate",
  8295: "right-to-left isolate",
  8296: "first strong isolate",
  8297: "end of an isolate",
};

/** A part of a text: as it is, or a character that is named instead of written. */
export type Part = { text: string; hidden?: undefined } | { hidden: string; meaning: string };

function partsBy(pattern: RegExp, text: string): Part[] {
  return text.split(pattern).flatMap((text, at): Part[] => {
    if (at % 2 === 0) return text === "" ? [] : [{ text }];
    const code = text.codePointAt(0) ?? 0;
    return [
      {
        hidden: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`,
        meaning: MEANINGS[code] ?? "invisible character",
      },
    ];
  });
}

/** The parts of a text in which only the direction of writing could deceive, such as code and commands. */
export const textParts = (text: string): Part[] => (IN_TEXT.test(text) ? partsBy(IN_TEXT, text) : [{ text }]);

/** The parts of the name or the path of a file. */
export const nameParts = (name: string): Part[] =>
  IN_NAME.test(name) ? partsBy(IN_NAME, name) : [{ text: name }];

/** The name or the path of a file where only text can stand, such as in a label. */
export const plainName = (name: string): string =>
  nameParts(name)
    .map((part) => (part.hidden === undefined ? part.text : `[${part.hidden}]`))
    .join("");
