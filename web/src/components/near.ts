// Whether an element is in sight or will be soon, so that what is far away need not be drawn.

import { type RefObject, useLayoutEffect, useState } from "react";

/** How far from the window an element counts as near, in pixels. */
const MARGIN = 1500;

const CAN_OBSERVE = typeof IntersectionObserver !== "undefined";

export function useIsNear(element: RefObject<Element | null>): boolean {
  // Without an observer everything is near.
  const [isNear, setNear] = useState(!CAN_OBSERVE);
  useLayoutEffect(() => {
    const target = element.current;
    if (!target || !CAN_OBSERVE) return;
    const { top, bottom } = target.getBoundingClientRect();
    // What is seen at first is drawn at once; the observer answers a frame later.
    setNear(bottom > -MARGIN && top < window.innerHeight + MARGIN);
    const observer = new IntersectionObserver(([entry]) => entry && setNear(entry.isIntersecting), {
      rootMargin: `${MARGIN}px 0px`,
    });
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return isNear;
}
