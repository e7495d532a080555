// Keeps the end of a growing conversation in view until its reader scrolls away from it.

import type { Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** How near the end counts as being there, in pixels. */
export const NEAR = 80;

interface End {
  isAway: boolean;
  /** Goes to the end and follows it again. */
  toEnd: () => void;
  /** To be called when the box was scrolled. */
  scrolled: () => void;
  /** To be called when the list may have changed its size. */
  follow: () => void;
}

/**
 * Follows the end of a list. How far it is from there says nothing: what was just added is not measured yet. So it is
 * left only by a reader who scrolls up, and found again by one who comes near it.
 */
export function useEnd(
  box: RefObject<HTMLElement | null>,
  list: Virtualizer<HTMLDivElement, Element>,
  startsAway: boolean,
): End {
  const [isAway, setAway] = useState(startsAway);
  const away = useRef(startsAway);
  const seen = useRef({ top: 0, height: 0, box: 0 });
  const isHandled = useRef(false);

  const set = (to: boolean) => {
    away.current = to;
    setAway(to);
  };
  const toEnd = useCallback(() => {
    away.current = false;
    setAway(false);
    list.scrollToEnd();
  }, [list]);

  const size = useRef(0);
  const follow = () => {
    // Until it is drawn there is nothing to be scrolled.
    if (!box.current || list.getTotalSize() === size.current) return;
    size.current = list.getTotalSize();
    if (!away.current) list.scrollToEnd();
  };
  // What is added is drawn again; what grows is not.
  useLayoutEffect(follow);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // A window or a message box that changes its height must not hide the end of the log.
    const observer = new ResizeObserver(() => {
      if (!away.current) list.scrollToEnd();
    });
    observer.observe(element);
    const handled = () => {
      isHandled.current = true;
    };
    const ways = ["wheel", "touchmove", "keydown", "pointerdown"] as const;
    for (const way of ways) element.addEventListener(way, handled, { passive: true });
    return () => {
      observer.disconnect();
      for (const way of ways) element.removeEventListener(way, handled);
    };
  }, [box, list]);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const before = seen.current;
    const now = { top: element.scrollTop, height: element.scrollHeight, box: element.clientHeight };
    seen.current = now;
    if (now.height - now.top - now.box <= NEAR) {
      isHandled.current = false;
      set(false);
      return;
    }
    // Where nothing changed its size, only a reader moves up; elsewhere the list may do it to keep its place.
    const isSettled = now.height === before.height && now.box === before.box;
    if (now.top < before.top && (isSettled || isHandled.current)) set(true);
  };

  return { isAway, toEnd, scrolled, follow };
}
