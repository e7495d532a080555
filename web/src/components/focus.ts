// Keeps the keyboard focus: on the page that was navigated to, and near what was focused and is gone.

import { useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";

/** How many of the last focused elements are remembered. */
const TRAIL = 20;

/** How long an element that is to have the focus may take to be drawn, in frames. */
const FRAMES = 20;

/** Moves the focus to an element as soon as it is there. */
export function focusSoon(id: string, frames = FRAMES): void {
  requestAnimationFrame(() => {
    const element = document.getElementById(id);
    if (element) element.focus();
    else if (frames > 0) focusSoon(id, frames - 1);
  });
}

/** Moves the focus to the page's content after a navigation, unless a field of the new page took it. */
export function useNavigationFocus(): void {
  const pathname = useRouterState({ select: (state) => (state.resolvedLocation ?? state.location).pathname });
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    const main = document.getElementById("main");
    if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
  }, [pathname]);
}

/**
 * Gives the focus back when the element that had it is removed or disabled: browsers let it fall to the body, where a
 * keyboard starts at the top of the page again and a screen reader says nothing.
 */
export function useKeptFocus(): void {
  useEffect(() => {
    const trail: HTMLElement[] = [];
    let isWaiting = false;
    const onFocus = ({ target }: FocusEvent) => {
      if (!(target instanceof HTMLElement)) return;
      isWaiting = false;
      if (trail.at(-1) !== target) trail.push(target);
      if (trail.length > TRAIL) trail.shift();
    };
    const check = () => {
      const active = document.activeElement;
      const last = trail.at(-1);
      if (!last || (active !== null && active !== document.body)) return;
      if (last.isConnected && last.matches(":disabled")) {
        isWaiting = true;
        return;
      }
      // A click outside everything clears the focus on purpose.
      if (last.isConnected && !isWaiting) return;
      const next = trail.findLast((each) => each.isConnected && !each.matches(":disabled"));
      (next ?? document.getElementById("main"))?.focus({ preventScroll: true });
    };
    const observer = new MutationObserver(check);
    observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled"] });
    document.addEventListener("focusin", onFocus);
    return () => {
      observer.disconnect();
      document.removeEventListener("focusin", onFocus);
    };
  }, []);
}
