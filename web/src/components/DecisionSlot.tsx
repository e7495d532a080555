// The place of a page's decision: the first thing in the content for the keyboard, at the lower edge of the window for
// the eye, above whatever is scrolled.

import { Box } from "@mui/material";
import { createContext, type ReactNode, useContext, useState } from "react";
import { createPortal } from "react-dom";

const Slot = createContext<HTMLElement | null>(null);

export function DecisionSlot({ children }: { children: ReactNode }) {
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  return (
    <Slot.Provider value={slot}>
      <Box ref={setSlot} />
      {children}
    </Slot.Provider>
  );
}

/** Puts a decision into its place. */
export function InDecisionSlot({ children }: { children: ReactNode }) {
  const slot = useContext(Slot);
  return slot && createPortal(children, slot);
}
