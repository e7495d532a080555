// Something that is shown when it is asked for.

import { createContext, type ReactNode, useContext, useId, useState } from "react";
import css from "./Fold.module.css";

/** Which folds are open, by name, for lists whose rows come and go as they are scrolled. */
const Open = createContext<Map<string, boolean> | null>(null);

/** Whether what is below is looked for, and is shown unfolded at first. */
export const Sought = createContext(false);

/** Remembers the named folds below it for as long as it is shown. */
export function Folds({ children }: { children: ReactNode }) {
  const [open] = useState(() => new Map<string, boolean>());
  return <Open.Provider value={open}>{children}</Open.Provider>;
}

interface Props {
  /** The key by which it is remembered within its list. */
  name?: string;
  label: ReactNode;
  children: ReactNode;
  quiet?: boolean;
  startOpen?: boolean;
}

export function Fold({ name, label, children, quiet = false, startOpen = false }: Props) {
  const remembered = useContext(Open);
  const isSought = useContext(Sought);
  const [isOpen, setOpen] = useState(() => remembered?.get(name ?? "") ?? (startOpen || isSought));
  const id = useId();
  const toggle = () => {
    if (name) remembered?.set(name, !isOpen);
    setOpen(!isOpen);
  };
  return (
    <div className={quiet ? css.fold : `${css.fold} ${css.wide}`}>
      <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={toggle} className={css.button}>
        <svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true" className={css.mark}>
          <path d="m7 5 4 4-4 4" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
        </svg>
        {label}
      </button>
      {isOpen && (
        <div id={id} className={css.content}>
          {children}
        </div>
      )}
    </div>
  );
}
