// The three documents of a task and the decision about them.

import { Box, Stack, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTaskAction } from "../../api/actions";
import {
  documentsFolderQuery,
  heldSecretsQuery,
  lintQuery,
  reviewsQuery,
  specsQuery,
} from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { ActionButton } from "../../components/Action";
import { Ago } from "../../components/Ago";
import { Aside } from "../../components/Aside";
import { Status } from "../../components/Glyph";
import { TextLink } from "../../components/links";
import { OpenInEditor } from "../../components/OpenInEditor";
import { Empty, Failed, Paragraphs } from "../../components/States";
import type { DocumentPlace } from "../../model/documents";
import { useDraft } from "../../model/drafts";
import type { Selected } from "../../model/selection";
import { hasFailed, isLive } from "../../model/status";
import { CommentComposer, NO_COMMENT } from "./CommentComposer";
import { Documents } from "./Documents";
import { Findings } from "./Findings";
import { Generation } from "./Generation";
import { HeldSecrets } from "./HeldSecrets";
import { PlanPreview } from "./PlanPreview";
import { Rounds } from "./Rounds";
import { SpecReview } from "./SpecReview";
import { Threads } from "./Threads";

/** In these states a person may edit the documents. */
const EDITABLE: ReadonlySet<string> = new Set([
  "spec_review",
  "spec_approved",
  "implementation_queued",
  "implementation",
  "implementation_review",
  "implementation_failed",
]);

interface Props {
  task: TaskDetail;
  place: DocumentPlace;
  onPlace: (place: DocumentPlace) => void;
}

export function Specification({ task, place, onPlace }: Props) {
  const specs = useQuery(specsQuery(task.id));
  const hasSpecs = Boolean(specs.data);
  const reviews = useQuery({ ...reviewsQuery(task.id), enabled: hasSpecs });
  const folder = useQuery({ ...documentsFolderQuery(task.id), enabled: hasSpecs });
  const held = useQuery({ ...heldSecretsQuery(task.id), enabled: hasSpecs });
  const lint = useQuery({ ...lintQuery(task.id), enabled: hasSpecs });
  const act = useTaskAction(task.id);
  const [about, setAbout] = useDraft<Selected | null>(`comment-place-${task.id}`, null);
  const [draft, setDraft, forgetDraft] = useDraft(`comment-${task.id}`, NO_COMMENT);
  const closeComposer = () => {
    forgetDraft();
    setAbout(null);
  };
  const isUnsent = about !== null && draft.text.trim() !== "";
  const comments = useMemo(() => reviews.data?.flatMap((round) => round.comments) ?? [], [reviews.data]);
  const newest = reviews.data?.at(-1);
  const canDecide = task.status === "spec_review";
  const canEdit = EDITABLE.has(task.status);

  if (!task.planned && !hasSpecs) {
    return <Empty title="No specification">This task runs without a plan.</Empty>;
  }
  if (specs.isPending) return <Paragraphs lines={12} />;
  if (specs.isError && !specs.data) return <Failed error={specs.error} retry={() => void specs.refetch()} />;
  if (!specs.data) {
    if (task.status === "spec_generation" && task.spec_revision_count > 0) {
      return (
        <Empty title="Revising…">
          The planning agent is working on your comments. The documents appear here again when it is done.
        </Empty>
      );
    }
    if (task.status === "spec_failed") {
      return (
        <Empty
          title="Planning failed"
          action={
            <ActionButton
              variant="contained"
              loading={act.isPending}
              onClick={() => act.mutate({ do: "retry" })}
            >
              Retry
            </ActionButton>
          }
        >
          Planning failed before the documents were complete.
        </Empty>
      );
    }
    if (task.status === "cancelled") {
      return <Empty title="No documents">The task was cancelled before the documents were complete.</Empty>;
    }
    return (
      <Empty title="Not written yet">
        {task.status === "backlog"
          ? "The planning agent writes requirements, design and plan once the task is started."
          : "The planning agent writes requirements, design and plan. They appear here when they are complete."}
      </Empty>
    );
  }

  return (
    <Box
      sx={{
        display: "grid",
        columnGap: 4,
        rowGap: 2,
        gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 340px" },
        alignItems: "start",
      }}
    >
      <Box sx={{ minWidth: 0 }}>
        <Stack direction="row" sx={{ justifyContent: "space-between", alignItems: "baseline", gap: 2 }}>
          <Generation task={task} />
          <OpenInEditor path={folder.data} />
        </Stack>
        <Documents
          task={task}
          specs={specs.data}
          comments={comments}
          place={place}
          onPlace={onPlace}
          canEdit={canEdit}
          onComment={canDecide && newest ? setAbout : undefined}
        />
      </Box>
      <Aside>
        {about && newest && (canDecide || isUnsent) && (
          <CommentComposer
            key={`${about.document} ${about.start} ${about.text}`}
            task={task.id}
            review={newest.id}
            about={about}
            draft={draft}
            onDraft={setDraft}
            isLocked={!canDecide}
            onClose={closeComposer}
          />
        )}
        {[reviews, held].map(
          (query, at) =>
            query.isError &&
            !query.data && (
              // biome-ignore lint/suspicious/noArrayIndexKey: the queries are always the same two
              <Failed key={at} error={query.error} retry={() => void query.refetch()} />
            ),
        )}
        {canDecide && newest?.edited_by && (
          <Typography variant="body2" component="p" sx={{ mb: 1.5 }}>
            {newest.edited_by} edited the documents <Ago at={newest.created_at} />
            {reviews.data?.some((round) => round.decision === "approve") &&
              "; what was approved before is void"}
            .
          </Typography>
        )}
        {canDecide ? (
          <SpecReview
            task={task}
            specs={specs.data}
            comments={reviews.data && comments}
            isUnsent={isUnsent}
            onApproved={closeComposer}
            undecided={held.data?.filter(({ decision }) => decision === null).length}
          />
        ) : (
          <Decided task={task} />
        )}
        {canDecide && <PlanPreview task={task.id} />}
        {held.data && <HeldSecrets task={task.id} held={held.data} canDecide={canEdit} onShow={onPlace} />}
        {comments.length > 0 && (
          <Threads
            task={task.id}
            comments={comments}
            onShow={(comment) =>
              onPlace({ document: comment.document, line: comment.start_line ?? undefined })
            }
          />
        )}
        {lint.data && lint.data.length > 0 && <Findings findings={lint.data} onShow={onPlace} />}
        {reviews.data && reviews.data.length > 0 && <Rounds rounds={reviews.data} />}
      </Aside>
    </Box>
  );
}

/** Whether agents carry the documents out. */
function isAtWork({ status }: TaskDetail): boolean {
  return isLive(status) && status !== "implementation_review" && !hasFailed(status);
}

function Decided({ task }: { task: TaskDetail }) {
  if (task.spec_approved_by) {
    return (
      <Box sx={{ mb: 3 }}>
        <Status tone="done" label="Approved" />
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.25 }}>
          by {task.spec_approved_by}, <Ago at={task.spec_approved_at} />
        </Typography>
        {isAtWork(task) && (
          <Typography variant="caption" component="p" sx={{ mt: 1 }}>
            Agents are working on it.{" "}
            <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} search={{ tab: "sessions" }}>
              View sessions
            </TextLink>
          </Typography>
        )}
      </Box>
    );
  }
  if (task.status === "spec_revision" || task.status === "spec_generation") {
    return (
      <Box sx={{ mb: 3 }}>
        <Status tone="working" label="Revising…" />
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.25 }}>
          Your comments refer to this version.
        </Typography>
      </Box>
    );
  }
  return null;
}
