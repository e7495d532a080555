// A name within a sentence: in its own direction of writing, and cut where it is long.

interface Props {
  text: string;
  /** How many letters of it are shown. */
  most?: number;
}

export function Name({ text, most = 60 }: Props) {
  if (text.length <= most) return <bdi>{text}</bdi>;
  return <bdi title={text}>{text.slice(0, most - 1).trimEnd()}…</bdi>;
}
