import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { http, server } from "../testing/network";
import { OpenInZed } from "./OpenInZed";

test("opening a session's folder in Zed hands the session off to Zed's next thread", async () => {
  const handedOff: string[] = [];
  server.use(
    http.post("/api/v1/work-sessions/{id}/editor-handoff", ({ params, response }) => {
      handedOff.push(params.id);
      return response.untyped(new HttpResponse(null, { status: 204 }));
    }),
  );
  render(<OpenInZed path="/data/work trees/one" session="stws_1" />);
  const link = screen.getByRole("link", { name: "Open in Zed" });
  expect(link.getAttribute("href")).toBe("zed://file/data/work%20trees/one");
  fireEvent.click(link);
  await waitFor(() => expect(handedOff).toEqual(["stws_1"]));
});
