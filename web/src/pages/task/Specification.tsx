// The three documents of a task and the decision about them.

import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { lintQuery, reviewsQuery, specsQuery } from "../../api/queries";
import type { TaskDetail } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Status } from "../../components/Glyph";
import { Empty, Failed, Paragraphs } from "../../components/States";
import { type Draft, useKept } from "../../model/drafts";
import { isPlanned } from "../../model/status";
import { Documents } from "./Documents";
import { Findings } from "./Findings";
import { Rounds } from "./Rounds";
import { SpecReview } from "./SpecReview";

export function Specification({ task }: { task: TaskDetail }) {
  const specs = useQuery(specsQuery(task.id));
  const hasSpecs = Boolean(specs.data);
  const reviews = useQuery({ ...reviewsQuery(task.id), enabled: hasSpecs });
  const lint = useQuery({ ...lintQuery(task.id), enabled: hasSpecs });
  const [drafts, setDrafts] = useKept<Draft[]>(`spectask-drafts-${task.id}`, []);
  const canDecide = task.status === "spec_review";

  if (!isPlanned(task.type) && !hasSpecs) {
    return <Empty title="No specification">A task of this type is carried out without one.</Empty>;
  }
  if (specs.isPending) return <Paragraphs lines={12} />;
  if (specs.isError && !specs.data) return <Failed error={specs.error} retry={() => void specs.refetch()} />;
  if (!specs.data) {
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
        <Documents
          specs={specs.data}
          onComment={canDecide ? (draft) => setDrafts([...drafts, draft]) : undefined}
        />
      </Box>
      <Box
        sx={{
          position: { lg: "sticky" },
          top: 16,
          maxHeight: { lg: "calc(100dvh - 32px)" },
          overflowY: { lg: "auto" },
          minWidth: 0,
        }}
      >
        {canDecide ? (
          <SpecReview task={task} specs={specs.data} drafts={drafts} onDrafts={setDrafts} />
        ) : (
          <Decided task={task} />
        )}
        {lint.data && lint.data.length > 0 && <Findings findings={lint.data} />}
        {reviews.data && reviews.data.length > 0 && <Rounds rounds={reviews.data} />}
      </Box>
    </Box>
  );
}

function Decided({ task }: { task: TaskDetail }) {
  if (task.spec_approved_by) {
    return (
      <Box sx={{ mb: 3 }}>
        <Status tone="done" label="Approved" />
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.25 }}>
          by {task.spec_approved_by}, <Ago at={task.spec_approved_at} />
        </Typography>
      </Box>
    );
  }
  if (task.status === "spec_revision" || task.status === "spec_generation") {
    return (
      <Box sx={{ mb: 3 }}>
        <Status tone="working" label="Being revised" />
        <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.25 }}>
          The planning agent works on your comments. This is the version they are about.
        </Typography>
      </Box>
    );
  }
  return null;
}
