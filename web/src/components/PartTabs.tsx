// The parts of a page as tabs in one line. Where they are wider than the page, arrows say so, and the chosen one is
// scrolled to.

import { Tabs, type TabsProps } from "@mui/material";
import { useEffect, useRef } from "react";
import { NO_PRINT } from "../theme";

/** How long the tabs scroll by themselves when one is chosen, and a little more. */
const OWN_SCROLL_MS = 350;

interface Props<Value extends string> extends Pick<TabsProps, "aria-label" | "children" | "sx"> {
  value: Value;
  onChange: (value: Value) => void;
}

export function PartTabs<Value extends string>({ value, onChange, sx, ...props }: Props<Value>) {
  const tabs = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when another one is chosen
  useEffect(() => {
    const scroller = tabs.current?.querySelector(".MuiTabs-scroller");
    if (!scroller) return;
    // The arrows come when the tabs were measured, and take room that the tabs' own scrolling does not know of.
    let timer: number | undefined;
    const observer = new ResizeObserver(() => {
      clearTimeout(timer);
      timer = window.setTimeout(() => reveal(scroller), OWN_SCROLL_MS);
    });
    observer.observe(scroller);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [value]);
  return (
    <Tabs
      {...props}
      ref={tabs}
      value={value}
      onChange={(_, to: Value) => onChange(to)}
      variant="scrollable"
      scrollButtons="auto"
      allowScrollButtonsMobile
      sx={[
        {
          borderBottom: 1,
          borderColor: "divider",
          mb: 2.5,
          ...NO_PRINT,
          "& .MuiTabScrollButton-root": { width: 24, "&.Mui-disabled": { opacity: 0.2 } },
        },
        ...(Array.isArray(sx) ? sx : [sx]),
      ]}
    />
  );
}

/** Scrolls the chosen tab into the part that is seen. */
function reveal(scroller: Element): void {
  const chosen = scroller.querySelector("[aria-selected=true]")?.getBoundingClientRect();
  if (!chosen) return;
  const seen = scroller.getBoundingClientRect();
  if (chosen.left < seen.left) scroller.scrollLeft -= seen.left - chosen.left;
  else if (chosen.right > seen.right) scroller.scrollLeft += chosen.right - seen.right;
}
