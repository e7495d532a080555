// An operation or a schema of the API reference: a heading that opens what is below it, and has an address.

import { type ReactNode, useId, useState } from "react";
import { LinkBox } from "../../components/links";
import css from "./Docs.module.css";

interface Props {
  anchor: string;
  /** The name of the heading in the name of its link. */
  name: string;
  head: ReactNode;
  /** Whether the page's address leads here. */
  isLinked: boolean;
  children: () => ReactNode;
}

export function Entry({ anchor, name, head, isLinked, children }: Props) {
  const [isOpen, setOpen] = useState(isLinked);
  const [wasLinked, setWasLinked] = useState(isLinked);
  if (wasLinked !== isLinked) {
    setWasLinked(isLinked);
    if (isLinked) setOpen(true);
  }
  const id = useId();
  return (
    <div id={anchor} className={css.entry}>
      <div className={css.line}>
        <h3 className={css.heading}>
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={id}
            onClick={() => setOpen(!isOpen)}
            className={css.button}
          >
            <svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true" className={css.mark}>
              <path
                d="m7 5 4 4-4 4"
                fill="none"
                stroke="currentColor"
                strokeWidth="1.6"
                strokeLinecap="round"
              />
            </svg>
            {head}
          </button>
        </h3>
        <LinkBox to="/docs" hash={anchor} aria-label={`Link to ${name}`} className={css.anchor}>
          #
        </LinkBox>
      </div>
      <div id={id} className={css.content} hidden={!isOpen}>
        {isOpen && children()}
      </div>
    </div>
  );
}
