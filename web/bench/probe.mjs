// What a page tells of itself while it is measured.

/** Runs in every page before its own scripts. */
function install() {
  const seen = { long: [], events: [], gaps: [], shifts: 0, first: {} };
  window.__seen = seen;
  const observe = (type, options, take) => {
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({
      type,
      buffered: true,
      ...options,
    });
  };
  observe("longtask", {}, (entry) => seen.long.push(entry.duration));
  observe("event", { durationThreshold: 16 }, (entry) => {
    if (entry.interactionId) seen.events.push(entry.duration);
  });
  observe("layout-shift", {}, (entry) => {
    if (!entry.hadRecentInput) seen.shifts += entry.value;
  });
  let last = performance.now();
  const frame = (now) => {
    seen.gaps.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** A page whose probes run from its first moment on; `counts` tells what it asked the server. */
export async function probed(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.addInitScript(install);
  const counts = { requests: 0, messages: 0 };
  page.on("request", (request) => {
    if (request.url().includes("/api/")) counts.requests += 1;
  });
  page.on("websocket", (socket) => socket.on("framereceived", () => (counts.messages += 1)));
  const cdp = await context.newCDPSession(page);
  await cdp.send("HeapProfiler.enable");
  // The time of the page's own thread, which a busy machine does not stretch.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  return { page, counts, cdp };
}

/** Milliseconds from the navigation to the frame after something is there. */
export async function firstContent(page, url, selector) {
  await page.goto(url, { waitUntil: "commit" });
  return page.evaluate(
    (wanted) =>
      new Promise((done, fail) => {
        const look = () => {
          if (document.querySelector(wanted)) requestAnimationFrame(() => done(performance.now()));
          else if (performance.now() > 60_000) fail(new Error(`${location.pathname} never shows ${wanted}`));
          else requestAnimationFrame(look);
        };
        look();
      }),
    selector,
  );
}

/** Memory that the page holds on to, in MiB. */
export async function heap({ cdp }) {
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize / 1024 / 1024;
}

/** How long the page's main thread has worked, in milliseconds of its own time. */
async function worked({ cdp }) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return (metrics.find((metric) => metric.name === "TaskDuration")?.value ?? 0) * 1000;
}

/** What happened in a page while something was done in it. */
export async function during(probe, act) {
  const { page, counts } = probe;
  await page.evaluate(() => {
    Object.assign(window.__seen, { long: [], events: [], gaps: [], shifts: 0 });
  });
  const before = { ...counts, worked: await worked(probe) };
  const begun = performance.now();
  await act();
  const seconds = (performance.now() - begun) / 1000;
  const own = (await worked(probe)) - before.worked;
  const seen = await page.evaluate(() => ({ ...window.__seen, first: undefined }));
  const sum = (list) => list.reduce((all, one) => all + one, 0);
  return {
    seconds,
    fps: seen.gaps.length / seconds,
    worstFrame: Math.max(0, ...seen.gaps),
    worked: own / seconds,
    longTasks: seen.long.length / seconds,
    blocked: sum(seen.long.map((duration) => duration - 50)) / seconds,
    // The browser does not tell of interactions below 16 ms.
    latency: quantile(seen.events, 0.95, 16),
    shifts: seen.shifts,
    requests: (counts.requests - before.requests) / (seconds / 60),
    messages: (counts.messages - before.messages) / seconds,
  };
}

export function quantile(samples, share, none) {
  if (samples.length === 0) return none;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)];
}
