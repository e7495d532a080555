// One agent at work: what it has done, faded; what it does, highlighted; what comes next, as it is; the rest, faded.

import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { FleetAgent, FleetItem } from "../../api/types";
import { AgentName } from "../../components/AgentName";
import { Ago, Since, Until } from "../../components/Ago";
import { Glyph, Status } from "../../components/Glyph";
import { Inline } from "../../components/Inline";
import { ProgressBar } from "../../components/ProgressBar";
import { AROUND, around } from "../../model/fleet";
import { ASKS_PERMISSION, type Shown, words } from "../../model/status";
import css from "./FleetCard.module.css";

/** The height of an item, and what the present one has more, in pixels. */
const ITEM = 26;
const PRESENT = 10;

interface Props {
  agent: FleetAgent;
  /** Whether it waits for a permission. */
  asks: boolean;
}

export const FleetCard = memo(function FleetCard({ agent, asks }: Props) {
  const list = agent.task_list;
  const { current_task: current, tasks_before, tasks_after } = around(list);
  const [next, ...later] = tasks_after;
  // The card keeps its height while the work moves through the list.
  const rows = Math.min(list.length, 2 * AROUND + 1);
  const state = asks ? ASKS_PERMISSION : agent.queue_reason ? WAITING : undefined;
  return (
    <article className={css.card}>
      <div className={css.head}>
        <div className={css.task}>
          <span title={agent.task_name} dir="auto">
            <bdi>{agent.task_short_id}</bdi> <bdi>{agent.task_name}</bdi>
          </span>
          <span className={css.agent}>
            <AgentName id={agent.agent} />
          </span>
        </div>
        <h2 className={css.title} title={agent.session_name} dir="auto">
          <Link
            to="/tasks/$taskId/sessions/$sessionId"
            params={{ taskId: agent.task_id, sessionId: agent.work_session_id }}
            className={css.link}
          >
            {agent.session_name}
          </Link>
        </h2>
      </div>
      <ol className={css.items} style={{ minHeight: rows * ITEM + PRESENT + 10 }}>
        {tasks_before.map((item) => (
          <Item key={item.index} item={item} place="before" />
        ))}
        {current && <Item item={current} place="current" state={state} />}
        {!current && !next && list.length > 0 && <Item item={FINISHING} place="current" state={state} />}
        {next && <Item item={next} place="next" isFirst={!current} />}
        {later.map((item) => (
          <Item key={item.index} item={item} place="later" />
        ))}
        {list.length === 0 && (
          <li className={css.quiet}>
            {agent.phase === "planning" ? "Writing the specification." : "Working without a checklist."}
          </li>
        )}
      </ol>
      <div className={css.foot}>
        {state ? (
          <span title={asks ? undefined : (agent.queue_reason ?? undefined)}>
            <Status {...state} />
            {!asks && agent.waits_until && (
              <span className={css.note}>
                {" "}
                <Until at={agent.waits_until} />
              </span>
            )}
          </span>
        ) : (
          <span className={css.note}>{words(agent.phase)}</span>
        )}
        {list.length > 0 && (
          <ProgressBar value={agent.progress} label={`Progress of ${agent.session_name}`} />
        )}
        <span className={`${css.note} ${css.last}`}>
          <Ago at={agent.last_update} />
        </span>
      </div>
    </article>
  );
});

/** An agent that waits for a retry or a merge. */
const WAITING: Shown = { label: "Waiting", tone: "waiting" };

/** The work of an agent whose list is done while its session is not. */
const FINISHING: FleetItem = {
  index: -1,
  number: null,
  description: "Finishing the session",
  status: "in_progress",
  started_at: null,
};

type Place = "before" | "current" | "next" | "later";

interface ItemProps {
  item: FleetItem;
  place: Place;
  /** The reason why its agent waits, while it does not work. */
  state?: Shown;
  /** Whether nothing is in progress before it. */
  isFirst?: boolean;
}

const Item = memo(function Item({ item, place, state, isFirst = false }: ItemProps) {
  const isCurrent = place === "current";
  const present = state?.tone ?? "working";
  const tone = item.status === "completed" ? "done" : isCurrent ? present : "waiting";
  return (
    <li aria-current={isCurrent ? "step" : undefined} className={`${css.item} ${css[place] ?? ""}`}>
      <Glyph tone={tone} size={13} />
      {item.number && <span className={css.number}>{item.number}</span>}
      <span className={css.text} title={item.description} dir="auto">
        <Inline text={item.description} />
      </span>
      {isFirst && <span className={css.since}>Next</span>}
      {isCurrent && !state && item.started_at && (
        <span className={css.since}>
          <Since at={item.started_at} />
        </span>
      )}
    </li>
  );
});
