// One block of a conversation.

import CommitRounded from "@mui/icons-material/CommitRounded";
import { Box, Stack, Typography } from "@mui/material";
import { createContext, memo, type ReactNode, useContext } from "react";
import type { CoordinationKind, PermissionRequest, WorkSession } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Code, Mono } from "../../components/Code";
import { Fold } from "../../components/Fold";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { Markdown } from "../../components/Markdown";
import { Question } from "../../components/Permissions";
import { addressee, KINDS, teller } from "../../model/coordination";
import { type Tone, words } from "../../model/status";
import type {
  Block,
  CoordinationBlock,
  PermissionBlock,
  PlanEntry,
  RecordedBlock,
  UserBlock,
} from "../../model/transcript";
import { ToolBlock } from "./ToolBlock";

/** The sessions that a conversation may name. */
export const Crew = createContext<readonly WorkSession[]>([]);

interface Props {
  block: Block;
  questions: PermissionRequest[];
}

/** How long a message of the server may be before it is folded, in letters. */
const LONG = 600;

export const BlockView = memo(function BlockView({ block, questions }: Props) {
  switch (block.block) {
    case "user":
      return <UserMessage block={block} />;
    case "agent":
      return (
        <Box sx={{ py: 1.25 }}>
          <Markdown text={block.text} compact />
        </Box>
      );
    case "thought":
      return (
        <Fold name={`thought-${block.seq}`} label="Thought" quiet>
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
    case "coordination":
      return <Told block={block} />;
    case "recorded":
      return <Recorded block={block} />;
    case "unknown":
      return (
        <Fold name={`unknown-${block.seq}`} label={words(block.kind)} quiet>
          <Code text={JSON.stringify(block.entry, null, 2)} maxHeight={240} />
        </Fold>
      );
  }
});

function UserMessage({ block }: { block: UserBlock }) {
  const { text, by, at, fate } = block;
  const isServer = by === "spectask";
  const body = <Markdown text={text} compact />;
  return (
    <Box
      sx={{
        mt: 1.5,
        mb: 1,
        px: 1.75,
        py: 1.25,
        bgcolor: "sunken",
        border: 1,
        borderColor: "divider",
        borderRadius: 1.25,
        opacity: fate === "withdrawn" ? 0.6 : 1,
      }}
    >
      <Typography variant="caption" color="textSecondary" component="p" sx={{ mb: 0.5 }}>
        {isServer ? "Instructions from SpecTask" : (by ?? "You")} · <Ago at={at} />
        {fate !== "said" && ` · ${fate}`}
      </Typography>
      {fate === "withdrawn" ? (
        <s>{text}</s>
      ) : isServer && text.length > LONG ? (
        <Fold name={`user-${block.seq}`} label="Read them" quiet>
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
      <PlanList entries={entries} />
    </Box>
  );
}

export function PlanList({ entries }: { entries: readonly PlanEntry[] }) {
  return (
    <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
      {entries.map((entry, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a plan's entries have no other identity
        <Box component="li" key={at} sx={{ display: "flex", gap: 1, py: 0.25, alignItems: "flex-start" }}>
          <Box sx={{ height: 21, display: "flex", alignItems: "center" }}>
            <Glyph tone={PLAN_TONES[entry.status] ?? "waiting"} size={12} />
          </Box>
          <Typography variant="body2" color={entry.status === "completed" ? "textSecondary" : "textPrimary"}>
            {entry.content}
          </Typography>
        </Box>
      ))}
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

/** What one of the crew told another, as a line with its words. */
function Told({ block }: { block: CoordinationBlock }) {
  const sessions = useContext(Crew);
  const kind = KINDS[block.type as CoordinationKind]?.label ?? words(block.type);
  const from = teller({ from_session_id: block.from, by: block.by }, sessions);
  const to = addressee({ to_session_id: block.to }, sessions);
  return (
    <Box sx={{ my: 1, pl: 1.5, borderLeft: 2, borderColor: "divider", color: "text.secondary" }}>
      <Typography variant="caption" component="p" sx={{ overflowWrap: "anywhere" }}>
        <b>{kind}</b> {from} → {to} · <Ago at={block.at} />
      </Typography>
      <Typography variant="body2" sx={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {block.text}
      </Typography>
    </Box>
  );
}

/** What was put on the record from outside. */
function Recorded({ block }: { block: RecordedBlock }) {
  const what = RECORDED[block.activity] ?? "Recorded";
  return (
    <Box sx={{ my: 1, pl: 1.5, borderLeft: 2, borderColor: "divider" }}>
      <Typography variant="caption" color="textSecondary" component="p">
        <b>{what}</b>
        {block.by && ` · recorded by ${block.by}`} · <Ago at={block.at} />
      </Typography>
      <Markdown text={block.text} compact />
      {block.files.length > 0 && (
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.5 }}>
          {block.files.map((file, at) => (
            <span key={file}>
              {at > 0 && ", "}
              <Mono>{file}</Mono>
            </span>
          ))}
        </Typography>
      )}
    </Box>
  );
}

const RECORDED: Record<string, string> = {
  conversation: "Said",
  code_change: "Changed",
  decision: "Decided",
  coordination: "Told",
};
