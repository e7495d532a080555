// Review comments on the documents, in their order, with their replies.

import { Box, Button, Stack, TextField, Typography } from "@mui/material";
import { useCommentAction } from "../../api/actions";
import type { Comment } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Fold } from "../../components/Fold";
import { Section } from "../../components/Page";
import { ActionError } from "../../components/States";
import { isOpen } from "../../model/comments";
import { useDraft } from "../../model/drafts";
import { Quote } from "./CommentComposer";

const ORDER = { requirements: 0, design: 1, tasks: 2 } as const;
const COLORS = {
  question: "info.main",
  suggestion: "text.secondary",
  blocking: "error.main",
  praise: "success.main",
} as const;

interface Props {
  task: string;
  comments: Comment[];
  onShow: (comment: Comment) => void;
}

export function Threads({ task, comments, onShow }: Props) {
  const sorted = [...comments].sort(
    (a, b) => ORDER[a.document] - ORDER[b.document] || (a.start_line ?? 1e9) - (b.start_line ?? 1e9),
  );
  const shown = sorted.filter((comment) => !comment.resolved);
  const open = shown.filter(isOpen).length;
  const resolved = sorted.filter((comment) => comment.resolved);
  return (
    <Section title={open === 1 ? "1 open comment" : `${open} open comments`}>
      <Stack component="ol" sx={{ listStyle: "none", m: 0, p: 0, gap: 1 }}>
        {shown.map((comment) => (
          <Thread key={comment.id} task={task} comment={comment} onShow={onShow} />
        ))}
      </Stack>
      {resolved.length > 0 && (
        <Box sx={{ mt: 1 }}>
          <Fold label={<Typography variant="body2">{resolved.length} resolved</Typography>}>
            <Stack component="ol" sx={{ listStyle: "none", m: 0, p: 0, gap: 1 }}>
              {resolved.map((comment) => (
                <Thread key={comment.id} task={task} comment={comment} onShow={onShow} />
              ))}
            </Stack>
          </Fold>
        </Box>
      )}
    </Section>
  );
}

function Thread({
  task,
  comment,
  onShow,
}: {
  task: string;
  comment: Comment;
  onShow: (comment: Comment) => void;
}) {
  const [reply, setReply] = useDraft<string | null>(`reply-${comment.id}`, null);
  const act = useCommentAction(task, comment.id);
  const lines =
    comment.start_line === null
      ? ""
      : comment.start_line === comment.end_line
        ? `, line ${comment.start_line}`
        : `, lines ${comment.start_line}–${comment.end_line}`;
  return (
    <Box
      component="li"
      id={`comment-${comment.id}`}
      // Where the focus goes when it was sent.
      tabIndex={-1}
      sx={{
        p: 1.25,
        borderRadius: 1,
        bgcolor: "sunken",
        border: 1,
        borderColor: "divider",
        scrollMarginTop: 16,
      }}
    >
      <Stack direction="row" sx={{ alignItems: "baseline", gap: 0.75, mb: 0.5, flexWrap: "wrap" }}>
        <Typography variant="caption" sx={{ fontWeight: 600, color: COLORS[comment.kind] }}>
          {comment.label} {comment.kind}
        </Typography>
        {comment.start_line === null ? (
          <Typography variant="caption" color="textSecondary">
            {comment.document}.md
          </Typography>
        ) : (
          <Button
            variant="text"
            color="inherit"
            size="small"
            onClick={() => onShow(comment)}
            sx={{ p: 0, minWidth: 0, minHeight: 24, fontSize: "0.75rem", color: "text.secondary" }}
          >
            {comment.document}.md{lines}
          </Button>
        )}
        {comment.outdated && (
          <Typography variant="caption" sx={{ color: "warningText" }}>
            outdated
          </Typography>
        )}
        {comment.anchor === "changed" && (
          <Typography variant="caption" color="textSecondary">
            reworded since
          </Typography>
        )}
      </Stack>
      {(comment.quoted_text || comment.original.text) && (
        <Quote>
          {comment.outdated ? comment.original.text : comment.quoted_text || comment.original.text}
        </Quote>
      )}
      <Said author={comment.author} at={comment.created_at} text={comment.comment} />
      {comment.replies.map((said) => (
        <Box
          key={said.created_at + said.comment}
          sx={{ mt: 1, pl: 1, borderLeft: 2, borderColor: "divider" }}
        >
          <Said author={said.author} at={said.created_at} text={said.comment} answer={said.answer} />
        </Box>
      ))}
      <ActionError error={act.error} />
      {reply === null ? (
        <Stack direction="row" sx={{ gap: 0.5, mt: 0.5, ml: -1 }}>
          <Button variant="text" color="inherit" size="small" onClick={() => setReply("")}>
            Reply
          </Button>
          <ActionButton
            variant="text"
            color="inherit"
            size="small"
            loading={act.isPending}
            onClick={() => act.mutate({ do: "resolve", resolved: !comment.resolved })}
          >
            {comment.resolved ? "Reopen" : "Resolve"}
          </ActionButton>
        </Stack>
      ) : (
        <Box sx={{ mt: 1 }}>
          <TextField
            multiline
            autoFocus
            fullWidth
            maxRows={8}
            value={reply}
            onChange={(event) => setReply(event.target.value)}
            slotProps={{ htmlInput: { "aria-label": `Reply to ${comment.label}` } }}
          />
          <Stack direction="row" sx={{ gap: 1, mt: 0.75 }}>
            <ActionButton
              variant="outlined"
              color="inherit"
              disabled={!reply.trim()}
              loading={act.isPending}
              onClick={() =>
                act.mutate({ do: "reply", comment: reply.trim() }, { onSuccess: () => setReply(null) })
              }
            >
              Reply
            </ActionButton>
            <Button variant="text" color="inherit" onClick={() => setReply(null)}>
              Discard
            </Button>
          </Stack>
        </Box>
      )}
    </Box>
  );
}

function Said(props: { author: string; at: string; text: string; answer?: "done" | "declined" | null }) {
  const { answer } = props;
  return (
    <>
      <Typography variant="body2" sx={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}>
        {answer && (
          <Box
            component="span"
            sx={{ fontWeight: 600, color: answer === "done" ? "success.main" : "warningText" }}
          >
            {answer === "done" ? "Done. " : "Declined. "}
          </Box>
        )}
        {props.text}
      </Typography>
      <Typography variant="caption" color="textSecondary">
        {props.author}, <Ago at={props.at} />
      </Typography>
    </>
  );
}
