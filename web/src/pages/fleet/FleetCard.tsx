// One agent at work: what it has done, faded; what it does, highlighted; what comes next, as it is; the rest, faded.

import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { FleetAgent, FleetItem } from "../../api/types";
import { Ago, Since } from "../../components/Ago";
import { Glyph } from "../../components/Glyph";
import { Inline } from "../../components/Inline";

import { ProgressBar } from "../../components/ProgressBar";
import { AROUND } from "../../model/fleet";
import { words } from "../../model/status";
import css from "./FleetCard.module.css";

/** The height of an item, and what the present one has more, in pixels. */
const ITEM = 26;
const PRESENT = 10;

export const FleetCard = memo(function FleetCard({ agent }: { agent: FleetAgent }) {
  const [next, ...later] = agent.tasks_after;
  // The card keeps its height while the work moves through the list.
  const rows = Math.min(agent.task_list.length, 2 * AROUND + 1);
  return (
    <Link
      to="/tasks/$taskId/sessions/$sessionId"
      params={{ taskId: agent.task_id, sessionId: agent.work_session_id }}
      aria-label={spoken(agent)}
      className={css.card}
    >
      <div className={css.head}>
        <div className={css.task}>
          <span title={agent.task_name} dir="auto">
            {agent.task_name}
          </span>
          <span className={css.agent}>{agent.agent}</span>
        </div>
        <h2 className={css.title} title={agent.session_name}>
          {agent.session_name}
        </h2>
      </div>
      <ol className={css.items} style={{ minHeight: rows * ITEM + PRESENT + 10 }}>
        {agent.tasks_before.map((item) => (
          <Item key={item.index} item={item} place="before" />
        ))}
        {agent.current_task && <Item item={agent.current_task} place="current" />}
        {!agent.current_task && agent.task_list.length > 0 && <Item item={FINISHING} place="current" />}
        {next && <Item item={next} place="next" />}
        {later.map((item) => (
          <Item key={item.index} item={item} place="later" />
        ))}
        {agent.task_list.length === 0 && (
          <li className={css.quiet}>
            {agent.phase === "planning" ? "Writing the specification." : "Working without a checklist."}
          </li>
        )}
      </ol>
      <div className={css.foot}>
        <span className={css.note}>{words(agent.phase)}</span>
        <ProgressBar value={agent.progress} label={`Progress of ${agent.session_name}`} />
        <span className={css.note}>
          <Ago at={agent.last_update} />
        </span>
      </div>
    </Link>
  );
});

/** A card in a sentence, with what its agent does now. */
function spoken(agent: FleetAgent): string {
  const { current_task: now, session_name: session, task_name: task } = agent;
  const item = now && [now.number, now.description].filter(Boolean).join(" ");
  return `${session}, of ${task}${item ? `. Now: ${item}` : ""}. ${Math.round(agent.progress * 100)}% done`;
}

/** What an agent does whose list is done while its session is not. */
const FINISHING: FleetItem = {
  index: -1,
  number: null,
  description: "Finishing the session",
  status: "in_progress",
  started_at: null,
};

type Place = "before" | "current" | "next" | "later";

const Item = memo(function Item({ item, place }: { item: FleetItem; place: Place }) {
  const isCurrent = place === "current";
  const tone = item.status === "completed" ? "done" : isCurrent ? "working" : "waiting";
  return (
    <li aria-current={isCurrent ? "step" : undefined} className={`${css.item} ${css[place] ?? ""}`}>
      <Glyph tone={tone} size={13} />
      <span className={css.text} title={item.description}>
        {item.number && <span className={css.number}>{item.number}</span>}
        <Inline text={item.description} />
      </span>
      {isCurrent && item.started_at && (
        <span className={css.since}>
          <Since at={item.started_at} />
        </span>
      )}
    </li>
  );
});
