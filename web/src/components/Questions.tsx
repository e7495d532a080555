// Questions and proposals of agents that wait for a person, answered above any page.

import { Box, Button, Link as MuiLink, Stack, TextField, Typography, useMediaQuery } from "@mui/material";
import { useTheme } from "@mui/material/styles";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useAnswerQuestion } from "../api/actions";
import { questionsQuery } from "../api/queries";
import type { AgentQuestion } from "../api/types";
import { NO_PRINT } from "../theme";
import { ActionButton } from "./Action";
import { AgentText } from "./AgentText";
import { Ago } from "./Ago";
import { Code } from "./Code";
import { TextLink } from "./links";
import { Name } from "./Name";
import { ActionError } from "./States";

/** How many questions are shown at first. */
const SHOWN = 2;

/** Every open question, above the page. */
export function QuestionBar() {
  const open = useQuery(questionsQuery).data ?? [];
  const [isWhole, setWhole] = useState(false);
  if (open.length === 0) return null;
  const shown = isWhole ? open : open.slice(0, SHOWN);
  return (
    <Box
      component="section"
      aria-label="Questions of agents"
      sx={{
        ...NO_PRINT,
        borderBottom: 1,
        borderColor: "divider",
        backgroundColor:
          "color-mix(in srgb, var(--mui-palette-info-main) 8%, var(--mui-palette-background-default))",
        px: { xs: 2, sm: 3, md: 4 },
        py: 1,
      }}
    >
      {shown.map((question) => (
        <Question key={question.id} question={question} />
      ))}
      {shown.length < open.length && (
        <MuiLink component="button" variant="caption" onClick={() => setWhole(true)}>
          Show {open.length - shown.length} more
        </MuiLink>
      )}
    </Box>
  );
}

function Question({ question }: { question: AgentQuestion }) {
  const isNarrow = useMediaQuery(useTheme().breakpoints.down("sm"), { noSsr: true });
  // On a narrow screen questions would leave no room for the page that they are asked above.
  const [isOpen, setOpen] = useState(!isNarrow);
  const [first = "", ...more] = question.message.trim().split("\n");
  return (
    <Box sx={{ py: 0.5 }}>
      <Typography variant="body2" component="p" sx={{ overflowWrap: "anywhere" }}>
        <b>{question.kind === "plan_change" ? "Proposed change of the plan" : "An agent asks"}</b> ·{" "}
        <TextLink
          to="/tasks/$taskId/sessions/$sessionId"
          params={{ taskId: question.spec_task_id, sessionId: question.work_session_id }}
        >
          {question.task_short_id} <Name text={question.task_name} most={40} /> ›{" "}
          <Name text={question.session_name} most={40} />
        </TextLink>
      </Typography>
      <AgentText text={isOpen ? question.message : more.length > 0 ? `${first} …` : first} scrolls />
      {isOpen ? (
        <AnswerForm question={question} />
      ) : (
        <Button variant="outlined" color="inherit" size="small" onClick={() => setOpen(true)}>
          Answer
        </Button>
      )}
    </Box>
  );
}

interface AnswerProps {
  question: AgentQuestion;
  /** Whether it says when it was asked. */
  isDated?: boolean;
}

/** The answers to a question, with the change that a proposal has. */
export function AnswerForm({ question, isDated = true }: AnswerProps) {
  const [text, setText] = useState("");
  const answer = useAnswerQuestion();
  const isProposal = question.kind === "plan_change";
  const reply = (answered: { answer: string; accepted?: boolean }) =>
    answer.mutate({ task: question.spec_task_id, id: question.id, ...answered });
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!isProposal && text.trim()) reply({ answer: text });
  };
  return (
    <>
      {question.diff && <Code text={question.diff} maxHeight={220} />}
      <Stack
        component="form"
        direction="row"
        onSubmit={send}
        sx={{ gap: 1, mt: 1, flexWrap: "wrap", alignItems: "center" }}
      >
        {question.choices.map((choice) => (
          <ActionButton
            key={choice}
            variant="outlined"
            color="inherit"
            disabled={answer.isPending}
            onClick={() => reply({ answer: choice })}
          >
            {choice}
          </ActionButton>
        ))}
        <TextField
          size="small"
          label={isProposal ? "Comment" : "Answer"}
          value={text}
          onChange={(event) => setText(event.target.value)}
          sx={{ flex: 1, minWidth: 200 }}
        />
        {isProposal ? (
          <>
            <ActionButton
              variant="contained"
              disabled={answer.isPending}
              onClick={() => reply({ answer: text, accepted: true })}
            >
              Accept proposal
            </ActionButton>
            <ActionButton
              variant="outlined"
              color="inherit"
              disabled={answer.isPending}
              onClick={() => reply({ answer: text, accepted: false })}
            >
              Decline
            </ActionButton>
          </>
        ) : (
          <ActionButton type="submit" variant="contained" disabled={answer.isPending || !text.trim()}>
            Send answer
          </ActionButton>
        )}
      </Stack>
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.5 }}>
        {isDated && (
          <>
            Asked <Ago at={question.asked_at} />
          </>
        )}
        {isDated && question.is_waiting && " · "}
        {question.is_waiting && "The session waits for your answer"}
      </Typography>
      <ActionError error={answer.error} />
    </>
  );
}
