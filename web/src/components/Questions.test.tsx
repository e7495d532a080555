import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import type { AgentQuestion } from "../api/types";
import { http, refusal, server } from "../testing/network";
import { open } from "../testing/page";

const aQuestion = (some: Partial<AgentQuestion> = {}): AgentQuestion => ({
  id: "evt_1",
  spec_task_id: "spt_1",
  task_short_id: "SPEC-1",
  task_name: "Due dates",
  work_session_id: "stws_1",
  session_name: "Parser",
  kind: "question",
  message: "Which format?",
  choices: ["ISO 8601"],
  diff: null,
  asked_at: "2026-01-05T10:00:00Z",
  is_waiting: true,
  ...some,
});

/** A server on which agents ask; an answered question is gone. The answers that were given, in order. */
function asking(...questions: AgentQuestion[]) {
  const answers: unknown[] = [];
  const answered = new Set<string>();
  server.use(
    http.get("/api/v1/questions", ({ response }) =>
      response(200).json(questions.filter(({ id }) => !answered.has(id))),
    ),
    http.post(
      "/api/v1/spec-tasks/{id}/questions/{question_id}/answer",
      async ({ params, request, response }) => {
        answers.push(await request.json());
        answered.add(params.question_id);
        return response.untyped(HttpResponse.json({}));
      },
    ),
  );
  return answers;
}

const bar = () => screen.findByRole("region", { name: "Questions of agents" });

test("a question is answered in words, and is gone", async () => {
  const answers = asking(aQuestion());
  const person = await open("/projects");
  const shown = within(await bar());
  shown.getByText("Which format?");
  shown.getByText(/The session waits for your answer/);
  await person.type(shown.getByRole("textbox", { name: "Answer" }), "Unix time");
  await person.click(shown.getByRole("button", { name: "Send answer" }));
  await waitFor(() => expect(screen.queryByRole("region", { name: "Questions of agents" })).toBeNull());
  expect(answers).toEqual([{ answer: "Unix time" }]);
});

test("a question in Markdown is rendered, and nothing in it runs or is loaded", async () => {
  const message =
    "Use **both**:\n\n- `a.ts`\n- ![x](https://example.org/x.png)\n\n<img src=x onerror=alert(1)>";
  asking(aQuestion({ message }));
  await open("/projects");
  const shown = await bar();
  expect(within(shown).getByText("both").tagName).toBe("STRONG");
  expect(within(shown).getAllByRole("listitem")).toHaveLength(2);
  expect(shown.querySelector("img")).toBeNull();
  within(shown).getByText(/<img src=x/);
});

test("a choice is an answer", async () => {
  const answers = asking(aQuestion());
  const person = await open("/projects");
  await person.click(within(await bar()).getByRole("button", { name: "ISO 8601" }));
  await waitFor(() => expect(answers).toEqual([{ answer: "ISO 8601" }]));
});

test("a proposal is accepted or declined", async () => {
  const answers = asking(
    aQuestion({ kind: "plan_change", choices: [], diff: "+ 2. More", is_waiting: false }),
  );
  const person = await open("/projects");
  const shown = within(await bar());
  shown.getByText("+ 2. More");
  await person.click(shown.getByRole("button", { name: "Decline" }));
  await waitFor(() => expect(answers).toEqual([{ answer: "", accepted: false }]));
});

test("an answer that came too late says so", async () => {
  asking(aQuestion());
  server.use(
    http.post("/api/v1/spec-tasks/{id}/questions/{question_id}/answer", ({ response }) =>
      response.untyped(refusal(409, "The request was answered already.")),
    ),
  );
  const person = await open("/projects");
  await person.click(within(await bar()).getByRole("button", { name: "ISO 8601" }));
  expect((await screen.findByRole("alert")).textContent).toBe("The request was answered already.");
});
