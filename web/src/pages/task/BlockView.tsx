// One block of a conversation.

import CommitRounded from "@mui/icons-material/CommitRounded";
import { Box, Stack, Typography } from "@mui/material";
import { memo, type ReactNode } from "react";
import type { PermissionRequest } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Code, Mono } from "../../components/Code";
import { Fold } from "../../components/Fold";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { Markdown } from "../../components/Markdown";
import { Question } from "../../components/Permissions";
import { type Tone, words } from "../../model/status";
import type { Block, PermissionBlock, PlanEntry } from "../../model/transcript";
import { ToolBlock } from "./ToolBlock";

interface Props {
  block: Block;
  questions: PermissionRequest[];
}

/** How long a message of the server may be before it is folded, in letters. */
const LONG = 600;

export const BlockView = memo(
  function BlockView({ block, questions }: Props) {
    switch (block.block) {
      case "user":
        return <UserMessage text={block.text} by={block.by} at={block.at} />;
      case "agent":
        return (
          <Box sx={{ my: 1.75 }}>
            <Markdown text={block.text} compact />
          </Box>
        );
      case "thought":
        return (
          <Fold label="Thought" quiet>
            <Box sx={{ color: "text.secondary" }}>
              <Markdown text={block.text} compact />
            </Box>
          </Fold>
        );
      case "tool":
        return <ToolBlock call={block} />;
      case "plan":
        return <Plan entries={block.entries} />;
      case "permission":
        return <Permission block={block} questions={questions} />;
      case "notice":
        return <Notice tone={block.tone} text={block.text} />;
      case "turn":
        return (
          <Divide>
            {block.label} · <Ago at={block.at} />
          </Divide>
        );
      case "unknown":
        return (
          <Fold label={words(block.kind)} quiet>
            <Code text={JSON.stringify(block.entry, null, 2)} maxHeight={240} />
          </Fold>
        );
    }
  },
  (before, after) =>
    same(before.block, after.block) &&
    (after.block.block !== "permission" || before.questions === after.questions),
);

/** Whether a block shows the same: blocks are made anew for every entry, most of them unchanged. */
function same(a: Block, b: Block): boolean {
  if (a.block === "agent" && b.block === "agent") return a.seq === b.seq && a.text === b.text;
  return JSON.stringify(a) === JSON.stringify(b);
}

function UserMessage({ text, by, at }: { text: string; by: string | null; at: string }) {
  const isServer = by === "spectask";
  const body = <Markdown text={text} compact />;
  return (
    <Box
      sx={{
        my: 2,
        px: 1.75,
        py: 1.25,
        bgcolor: "sunken",
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
      }}
    >
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.5 }}>
        {isServer ? "Instructions from SpecTask" : (by ?? "You")} · <Ago at={at} />
      </Typography>
      {isServer && text.length > LONG ? (
        <Fold label="Read them" quiet>
          {body}
        </Fold>
      ) : (
        body
      )}
    </Box>
  );
}

const PLAN_TONES: Record<string, Tone> = { completed: "done", in_progress: "working", pending: "waiting" };

function Plan({ entries }: { entries: PlanEntry[] }) {
  return (
    <Box
      component="section"
      aria-label="The agent's plan"
      sx={{ my: 1.5, px: 1.75, py: 1.25, border: 1, borderColor: "divider", borderRadius: 1.25 }}
    >
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.5, fontWeight: 600 }}>
        Plan
      </Typography>
      <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {entries.map((entry, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a plan's entries have no other identity
          <Box component="li" key={at} sx={{ display: "flex", gap: 1, py: 0.25, alignItems: "flex-start" }}>
            <Box sx={{ height: 21, display: "flex", alignItems: "center" }}>
              <Glyph tone={PLAN_TONES[entry.status] ?? "waiting"} size={12} />
            </Box>
            <Typography
              variant="body2"
              color={entry.status === "completed" ? "textSecondary" : "textPrimary"}
            >
              {entry.content}
            </Typography>
          </Box>
        ))}
      </Box>
    </Box>
  );
}

function Permission({ block, questions }: { block: PermissionBlock; questions: PermissionRequest[] }) {
  const open =
    block.outcome === null ? questions.find((request) => request.id === block.requestId) : undefined;
  if (open) {
    return (
      <Box sx={{ my: 1.5, px: 1.75, py: 1, border: 1, borderColor: "warning.main", borderRadius: 1.25 }}>
        <Question request={open} />
      </Box>
    );
  }
  const answer =
    block.chosen ?? (block.outcome === null ? "waiting for an answer" : words(block.outcome).toLowerCase());
  return (
    <Stack direction="row" sx={{ alignItems: "baseline", gap: 1, my: 1 }}>
      <Glyph tone={block.outcome === null ? "attention" : "done"} size={12} />
      <Typography variant="caption" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
        Permission: <Inline text={block.title} /> → {answer}
        {block.reason && ` (${block.reason})`}
      </Typography>
    </Stack>
  );
}

function Notice({ tone, text }: { tone: "plain" | "error" | "commit"; text: string }) {
  if (tone === "commit") {
    return (
      <Stack direction="row" sx={{ alignItems: "center", gap: 0.75, my: 1, color: "text.secondary" }}>
        <CommitRounded sx={{ fontSize: 16 }} />
        <Typography variant="caption">
          Committed as <Mono>{text.slice(0, 10)}</Mono>
        </Typography>
      </Stack>
    );
  }
  if (tone === "plain") return <Divide>{text}</Divide>;
  return (
    <Box
      sx={{
        my: 1.5,
        px: 1.5,
        py: 1,
        borderLeft: 3,
        borderColor: "error.main",
        bgcolor: "sunken",
        borderRadius: 0.5,
      }}
    >
      <Typography variant="body2" color="error" sx={{ overflowWrap: "anywhere" }}>
        {text}
      </Typography>
    </Box>
  );
}

function Divide({ children }: { children: ReactNode }) {
  const line = { flex: 1, minWidth: 16, height: "1px", bgcolor: "divider" };
  return (
    <Stack direction="row" sx={{ alignItems: "center", gap: 1.5, my: 1.5 }}>
      <Box sx={line} />
      <Typography
        variant="caption"
        color="textSecondary"
        sx={{ textAlign: "center", maxWidth: "85%", overflowWrap: "anywhere" }}
      >
        {children}
      </Typography>
      <Box sx={line} />
    </Stack>
  );
}
