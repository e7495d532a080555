// An item of the inbox, with the answers that can be given in the list.

import { Box, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useAnswerItem } from "../../api/actions";
import { questionsQuery } from "../../api/queries";
import type { AgentQuestion, InboxItem } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { AgentText } from "../../components/AgentText";
import { Ago, useNow } from "../../components/Ago";
import { Verbatim } from "../../components/FileName";
import { useHotkey } from "../../components/hotkeys";
import { LinkButton, TextLink } from "../../components/links";
import { Name } from "../../components/Name";
import { AnswerForm } from "../../components/Questions";
import { ActionError } from "../../components/States";
import { type Answer, answersOf, pageOf } from "../../model/inbox";
import { remaining } from "../../model/time";
import { MONO } from "../../theme";
import { Reply } from "./Reply";

/** The selector of the links of items. */
export const LINK = "a[data-item]";
/** From how many letters, or lines, on a summary is scrolled. */
const LONG = 400;
const LINES = 6;

export function Item({ item }: { item: InboxItem }) {
  const [isReplying, setReplying] = useState(false);
  const box = useRef<HTMLLIElement>(null);
  const answer = useAnswerItem();
  const answers = answersOf(item);
  const question = useQuestion(item);
  const give = ({ action }: Answer) => {
    if (action === "reply") setReplying(true);
    else answer.mutate({ item, action });
  };
  const { id, title, task, work_session: session } = item;
  return (
    <Box
      component="li"
      ref={box}
      data-item={id}
      sx={{
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        bgcolor: "background.paper",
        p: 1.75,
        "&:focus-within": { borderColor: "primary.main" },
      }}
    >
      {answers.map((each) => (
        <AnswerKey key={each.action} answer={each} within={box} onPress={() => give(each)} />
      ))}
      <Stack direction="row" sx={{ alignItems: "flex-start", columnGap: 2, rowGap: 1.25, flexWrap: "wrap" }}>
        <Box sx={{ flex: 1, minWidth: { xs: "100%", sm: 260 } }}>
          <Typography variant="h3" component="h3" sx={{ overflowWrap: "anywhere" }}>
            <TextLink {...pageOf(item)} color="textPrimary" underline="hover" data-item={id}>
              {title}
            </TextLink>
          </Typography>
          <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
            {task.short_id} <Name text={task.name} most={80} />
            {session && (
              <>
                {" › "}
                <Name text={session.name} most={40} />
              </>
            )}
          </Typography>
          <Summary item={item} />
          <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.75 }}>
            <Ago at={item.since} />
            {item.deadline && <Deadline at={item.deadline} />}
          </Typography>
        </Box>
        <Stack direction="row" sx={{ gap: 1, flexWrap: "wrap" }}>
          {answers.map((each, at) => (
            <ActionButton
              key={each.action}
              variant={at === 0 ? "contained" : "outlined"}
              color={at === 0 ? "primary" : "inherit"}
              disabled={answer.isPending}
              aria-keyshortcuts={each.key}
              aria-expanded={each.action === "reply" ? isReplying : undefined}
              onClick={() => give(each)}
            >
              {each.label}
            </ActionButton>
          ))}
          {answers.length === 0 && (
            <LinkButton {...pageOf(item)} variant="outlined" color="inherit">
              {item.actions.includes("approve") ? "Review" : "Open"}
            </LinkButton>
          )}
        </Stack>
      </Stack>
      {question && <AnswerForm question={question} isDated={false} />}
      {isReplying && (
        <Reply
          isSending={answer.isPending}
          onCancel={() => {
            setReplying(false);
            box.current?.querySelector<HTMLElement>(LINK)?.focus();
          }}
          onSend={(text) => answer.mutate({ item, action: "reply", text })}
        />
      )}
      <ActionError error={answer.error} />
    </Box>
  );
}

/** The question that an item is about, while it can be answered here. */
function useQuestion({ kind, request_id }: InboxItem): AgentQuestion | undefined {
  const find = (open: AgentQuestion[]) => open.find(({ id }) => id === request_id);
  return useQuery({ ...questionsQuery, enabled: kind === "question", select: find }).data;
}

function Summary({ item: { kind, summary } }: { item: InboxItem }) {
  if (summary === "") return null;
  const isLong = summary.length > LONG || summary.split("\n").length > LINES;
  const isCommand = kind === "permission";
  // Agents write in Markdown; the other summaries are the server's sentences.
  if (kind === "question" || kind === "message") return <AgentText text={summary} scrolls />;
  return (
    <Box
      component={isCommand ? "code" : "p"}
      // What scrolls is reached by the keyboard.
      tabIndex={isLong ? 0 : undefined}
      sx={{
        display: "block",
        m: 0,
        mt: 0.75,
        fontSize: isCommand ? "0.8125rem" : "0.875rem",
        fontFamily: isCommand ? MONO : undefined,
        whiteSpace: "pre-wrap",
        overflowWrap: "anywhere",
        ...(isLong && { maxHeight: 160, overflowY: "auto" }),
      }}
    >
      <Verbatim text={summary} />
    </Box>
  );
}

function Deadline({ at }: { at: string }) {
  const left = (Date.parse(at) - useNow()) / 1000;
  if (left <= 0) return null;
  return <> · Rejected automatically in {remaining(left)}</>;
}

interface KeyProps {
  answer: Answer;
  within: React.RefObject<HTMLElement | null>;
  onPress: () => void;
}

/** The key of an answer works while the focus is in its item. */
function AnswerKey({ answer, within, onPress }: KeyProps) {
  useHotkey(answer.key, () => {
    if (!within.current?.contains(document.activeElement)) return false;
    onPress();
    return true;
  });
  return null;
}
