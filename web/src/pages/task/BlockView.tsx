// One block of a conversation.

import CommitRounded from "@mui/icons-material/CommitRounded";
import { useQuery } from "@tanstack/react-query";
import { createContext, memo, type ReactNode, useContext } from "react";
import { coordinationQuery } from "../../api/queries";
import type { Attachment, CoordinationKind, CoordinationLog, WorkSession } from "../../api/types";
import { AgentText } from "../../components/AgentText";
import { Ago } from "../../components/Ago";
import { Attachments } from "../../components/Attachments";
import { Code, Mono, MonoFile } from "../../components/Code";
import { Fold } from "../../components/Fold";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { Markdown } from "../../components/Markdown";
import { addressee, KINDS, kindLabel, shownKind, teller } from "../../model/coordination";
import { type Tone, words } from "../../model/status";
import type {
  Block,
  CoordinationBlock,
  PermissionBlock,
  PlanEntry,
  PromptContext,
  RecordedBlock,
  SetupBlock,
  UserBlock,
} from "../../model/transcript";
import { setupOutcome } from "../../model/transcript";
import css from "./BlockView.module.css";
import { ToolBlock } from "./ToolBlock";

/** The sessions that a conversation may name. */
export const Crew = createContext<readonly WorkSession[]>([]);

/** How long a message of the server may be before it is folded, in letters. */
const LONG = 600;

export const BlockView = memo(function BlockView({ block }: { block: Block }) {
  switch (block.block) {
    case "user":
      return <UserMessage block={block} />;
    case "agent":
      return (
        <div className={css.said}>
          {block.text && <Markdown text={block.text} compact />}
          <SentFiles files={block.files} />
        </div>
      );
    case "thought":
      return (
        <Fold name={`thought-${block.seq}`} label="Thought" quiet>
          <div className={css.quiet}>
            <Markdown text={block.text} compact />
          </div>
        </Fold>
      );
    case "tool":
      return (
        <>
          <ToolBlock call={block} />
          <SentFiles files={block.files} />
        </>
      );
    case "plan":
      return <Plan entries={block.entries} />;
    case "permission":
      return <Permission block={block} />;
    case "notice":
      return <Notice tone={block.tone} text={block.text} />;
    case "setup":
      return <Setup block={block} />;
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

/** The images and files that an agent sent. */
function SentFiles({ files }: { files: readonly Attachment[] }) {
  const task = useContext(Crew)[0]?.spec_task_id;
  return task && files.length > 0 ? (
    <Attachments task={task} files={files} label="Files of the agent" />
  ) : null;
}

function UserMessage({ block }: { block: UserBlock }) {
  const { text, by, at, fate, files, context } = block;
  const task = useContext(Crew)[0]?.spec_task_id;
  const isServer = by === "spectask";
  const body = <Markdown text={text} compact />;
  return (
    <div className={`${css.frame} ${css.user} ${fate === "withdrawn" ? css.withdrawn : ""}`}>
      <p className={css.note}>
        {isServer ? "Instructions from SpecTask" : <bdi>{by ?? "You"}</bdi>} · <Ago at={at} />
        {fate !== "said" && ` · ${fate}`}
      </p>
      {fate === "withdrawn" ? (
        <s>{text}</s>
      ) : isServer && text.length > LONG ? (
        <Fold name={`user-${block.seq}`} label="Read them" quiet>
          {body}
        </Fold>
      ) : (
        body
      )}
      {task && fate !== "withdrawn" && <Attachments task={task} files={files} />}
      {context && <PromptSource context={context} name={`context-${block.seq}`} />}
    </div>
  );
}

/** What a prompt was made from: its templates, and what the agent got beside it. */
function PromptSource({ context, name }: { context: PromptContext; name: string }) {
  const { templates, agent, options, mcp_servers } = context;
  const chosen = Object.entries(options).map(([option, value]) => `${option}: ${value}`);
  return (
    <Fold name={name} label="Prompt context" quiet>
      <ul>
        {templates.map((template, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a template may be used twice
          <li key={at}>
            Template <Mono>{template.name}</Mono>,{" "}
            {template.source === "project" ? "of the project" : "built in"},{" "}
            <Mono>{template.hash.slice(0, 12)}</Mono>
          </li>
        ))}
        <li>
          Agent <Mono>{agent}</Mono>, options: {chosen.length > 0 ? chosen.join(", ") : "none"}
        </li>
        <li>MCP servers: {mcp_servers.length > 0 ? mcp_servers.join(", ") : "none"}</li>
      </ul>
    </Fold>
  );
}

const PLAN_TONES: Record<string, Tone> = { completed: "done", in_progress: "working", pending: "waiting" };

function Plan({ entries }: { entries: PlanEntry[] }) {
  return (
    <div className={css.frame}>
      <p className={css.note}>
        <b>Plan</b>
      </p>
      <PlanList entries={entries} />
    </div>
  );
}

export function PlanList({ entries }: { entries: readonly PlanEntry[] }) {
  return (
    <ol className={css.plan}>
      {entries.map((entry, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a plan's entries have no other identity
        <li key={at} className={css.step}>
          <Glyph tone={PLAN_TONES[entry.status] ?? "waiting"} size={12} />
          <span className={entry.status === "completed" ? css.quiet : undefined}>{entry.content}</span>
        </li>
      ))}
    </ol>
  );
}

/** The setup command with what it printed; one that failed is shown unfolded. */
function Setup({ block }: { block: SetupBlock }) {
  const label = (
    <>
      <Glyph tone={block.passed ? "done" : "stopped"} size={12} /> Setup: <Mono>{block.command}</Mono> ·{" "}
      {setupOutcome(block)}
    </>
  );
  if (!block.output) {
    return (
      <div className={`${css.line} ${css.answered}`}>
        <span>{label}</span>
      </div>
    );
  }
  return (
    <Fold name={`setup-${block.seq}`} label={label} quiet={block.passed} startOpen={!block.passed}>
      <Code text={block.output} maxHeight={320} />
    </Fold>
  );
}

/** A rejected request looks other than one that was allowed. */
function answerTone({ outcome, chosen, chosenKind }: PermissionBlock): Tone {
  if (outcome === null) return "attention";
  return chosen === null || chosenKind?.startsWith("reject") ? "stopped" : "done";
}

/** A permission request with its answer; an open one is answered above the page. */
function Permission({ block }: { block: PermissionBlock }) {
  const answer =
    block.chosen ?? (block.outcome === null ? "waiting for an answer" : words(block.outcome).toLowerCase());
  return (
    <div className={`${css.line} ${css.answered}`}>
      <Glyph tone={answerTone(block)} size={12} />
      <span className={css.note}>
        Permission:{" "}
        <bdi>
          <Inline text={block.title} />
        </bdi>{" "}
        → {answer}
        {block.reason && ` (${block.reason})`}
      </span>
    </div>
  );
}

function Notice({ tone, text }: { tone: "plain" | "error" | "commit"; text: string }) {
  switch (tone) {
    case "commit":
      return (
        <div className={css.line}>
          <CommitRounded sx={{ fontSize: 16 }} />
          <span className={css.note}>
            Committed as <Mono>{text.slice(0, 10)}</Mono>
          </span>
        </div>
      );
    case "plain":
      return (
        <Divide>
          <Inline text={text} />
        </Divide>
      );
    case "error":
      return (
        <div className={css.failure}>
          <Inline text={text} />
        </div>
      );
  }
}

function Divide({ children }: { children: ReactNode }) {
  return (
    <div className={css.divide}>
      <span className={css.note}>{children}</span>
    </div>
  );
}

/** A message between sessions, as a line with its text. */
function Told({ block }: { block: CoordinationBlock }) {
  const sessions = useContext(Crew);
  const kind = useKind(block, sessions[0]?.spec_task_id ?? "");
  const from = teller({ from_session_id: block.from, by: block.by }, sessions);
  const to = addressee({ to_session_id: block.to }, sessions);
  return (
    <div className={css.beside}>
      <p className={css.note}>
        <b>{kind}</b> <bdi>{from}</bdi> → <bdi>{to}</bdi> · <Ago at={block.at} />
      </p>
      <div className={css.quiet}>
        <AgentText text={block.text} />
      </div>
    </div>
  );
}

/** The name of a message's kind; the log of the task distinguishes the notice of a collision from a blocking message.
 * */
function useKind({ type, event }: CoordinationBlock, task: string): string {
  const isCollision = (log: CoordinationLog) =>
    log.events.some((each) => each.id === event && shownKind(each) === "collision");
  const query = {
    ...coordinationQuery(task),
    enabled: type === "blocking" && task !== "",
    select: isCollision,
  };
  const isShownAsCollision = useQuery(query).data ?? false;
  return isShownAsCollision
    ? kindLabel("collision")
    : (KINDS[type as CoordinationKind]?.label ?? words(type));
}

/** A record that was added from outside. */
function Recorded({ block }: { block: RecordedBlock }) {
  const what = RECORDED[block.activity] ?? "Recorded";
  return (
    <div className={css.beside}>
      <p className={css.note}>
        <b>{what}</b>
        {block.by && ` · recorded by ${block.by}`} · <Ago at={block.at} />
      </p>
      <Markdown text={block.text} compact />
      {block.files.length > 0 && (
        <p className={`${css.note} ${css.files}`}>
          {block.files.map((file, at) => (
            <span key={file}>
              {at > 0 && ", "}
              <MonoFile name={file} />
            </span>
          ))}
        </p>
      )}
    </div>
  );
}

const RECORDED: Record<string, string> = {
  conversation: "Said",
  code_change: "Changed",
  decision: "Decided",
  coordination: "Told",
};
