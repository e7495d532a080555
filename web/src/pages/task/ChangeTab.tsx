// The change of a task: its files, its checks, and the decision about it.

import { Box, Link as MuiLink, Typography } from "@mui/material";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { diffQuery } from "../../api/queries";
import type { FileDiff, TaskDetail } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Aside } from "../../components/Aside";
import { Mono } from "../../components/Code";
import { FileName } from "../../components/FileName";
import { Status } from "../../components/Glyph";
import { ShowMore } from "../../components/ShowMore";
import { ActionError, Empty, Failed, Paragraphs } from "../../components/States";
import { changeSize, documentsOf, filesOf, isDocument, mayHaveChange } from "../../model/change";
import { plainName } from "../../model/hidden";
import { isApproved, isLive, taskState } from "../../model/status";
import { MONO } from "../../theme";
import { ChangeReview } from "./ChangeReview";
import { Checks } from "./Checks";
import { FileDiffCard } from "./FileDiffCard";
import { Repairs } from "./Repairs";
import { useLineDrafts } from "./useLineDrafts";

export function ChangeTab({ task }: { task: TaskDetail }) {
  const begun = mayHaveChange(task);
  const query = useInfiniteQuery({ ...diffQuery(task.id), enabled: begun });
  const files = useMemo(() => query.data?.pages.flatMap((page) => page.items.files) ?? [], [query.data]);
  // What was approved before is there to look up, behind what is to be reviewed.
  const work = files.filter((file) => !isDocument(task.id, file));
  const documents = files.filter((file) => isDocument(task.id, file));
  const whole = query.data?.pages[0]?.items;
  const size = whole && changeSize(task.id, whole, files);
  const checks = task.change?.checks ?? [];
  const repairs = task.change?.repairs ?? [];
  const canDecide = task.status === "implementation_review" && !isApproved(task);
  const { drafts, setDrafts, error: unsaved } = useLineDrafts(task.id, canDecide);

  if (!begun) {
    return (
      <Empty title="No change yet">
        {task.planned
          ? "It is shown here once the specification is approved and agents have committed work."
          : "It is shown here once the agent has committed work."}
      </Empty>
    );
  }
  return (
    <Box
      sx={{
        display: "grid",
        columnGap: 4,
        rowGap: 2,
        alignItems: "start",
        gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 340px" },
      }}
    >
      <Box sx={{ minWidth: 0, order: { xs: 2, lg: 1 } }}>
        {query.isPending || (files.length === 0 && query.isFetching) ? (
          <Paragraphs lines={14} />
        ) : query.isError && !query.data ? (
          <Failed error={query.error} retry={() => void query.refetch()} />
        ) : files.length === 0 ? (
          <Empty
            title={task.status === "done" ? "Nothing differs from the base" : "Nothing is committed yet"}
          >
            {task.merge_commit ? (
              <>
                The change is merged as <Mono>{task.merge_commit.slice(0, 10)}</Mono>.
              </>
            ) : (
              "The change appears as sessions are merged into the task's branch."
            )}
          </Empty>
        ) : (
          <>
            <Typography variant="body2" color="textSecondary" sx={{ mb: 1.5 }}>
              {size && (
                <>
                  {filesOf(size)}
                  {size.files > 0 && (
                    <>
                      <Plus count={size.additions} />
                      <Minus count={size.deletions} />
                    </>
                  )}
                  {documentsOf(size) && ` · ${documentsOf(size)}`}
                </>
              )}
              {" on "}
              <Mono>{whole?.branch_name ?? ""}</Mono>
              {" against "}
              <Mono>{whole?.base_branch ?? ""}</Mono>
            </Typography>
            {work.map((file) => (
              <FileDiffCard
                key={file.path}
                file={file}
                drafts={canDecide ? drafts : undefined}
                onDrafts={canDecide ? setDrafts : undefined}
              />
            ))}
            {documents.length > 0 && (
              <>
                <Typography variant="body2" color="textSecondary" sx={{ mt: 3, mb: 1.5 }}>
                  {documentsNote(task)}
                </Typography>
                {documents.map((file) => (
                  <FileDiffCard key={file.path} file={file} startsFolded />
                ))}
              </>
            )}
            <ShowMore query={query} label="Show more files" />
          </>
        )}
      </Box>
      <Aside sx={{ order: { xs: 1, lg: 2 } }}>
        {isApproved(task) && (
          <Box sx={{ mb: 3 }}>
            <Status {...taskState(task)} />
            <Typography
              variant="caption"
              color="textSecondary"
              component="p"
              sx={{ mt: 0.25, overflowWrap: "anywhere" }}
            >
              Approved by <bdi>{task.change?.approved_by}</bdi>, to be merged into{" "}
              <Mono>{task.base_branch}</Mono>
            </Typography>
          </Box>
        )}
        {canDecide && (
          <ChangeReview task={task} diff={whole} size={size} drafts={drafts} onDrafts={setDrafts} />
        )}
        <ActionError error={unsaved} />
        {task.merge_commit && (
          <Box sx={{ mb: 3 }}>
            <Status tone="done" label="Merged" />
            <Typography variant="caption" color="textSecondary" component="p" sx={{ mt: 0.25 }}>
              into <Mono>{task.base_branch}</Mono> as <Mono>{task.merge_commit.slice(0, 10)}</Mono>,{" "}
              <Ago at={task.completed_at} />
            </Typography>
          </Box>
        )}
        {checks.length > 0 && <Checks checks={checks} />}
        {repairs.length > 0 && <Repairs repairs={repairs} />}
        {work.length > 0 && <FileList files={work} />}
      </Aside>
    </Box>
  );
}

/** The use of the documents that stand beside the change. */
function documentsNote(task: TaskDetail): string {
  if (task.merge_commit) return "The approved specification, merged with the change";
  return isLive(task.status)
    ? "The approved specification. It will be merged with the change."
    : "The approved specification, not merged";
}

function Plus({ count }: { count: number }) {
  return (
    <Box component="span" sx={{ color: "success.main", ml: 1, fontVariantNumeric: "tabular-nums" }}>
      +{count}
    </Box>
  );
}

function Minus({ count }: { count: number }) {
  return (
    <Box component="span" sx={{ color: "error.main", ml: 0.5, fontVariantNumeric: "tabular-nums" }}>
      −{count}
    </Box>
  );
}

function FileList({ files }: { files: FileDiff[] }) {
  return (
    <Box component="nav" aria-label="Changed files" sx={{ display: { xs: "none", lg: "block" } }}>
      <Typography variant="subtitle2" component="h2" color="textSecondary" sx={{ mb: 0.75 }}>
        Files
      </Typography>
      {files.map((file) => (
        <Box key={file.path} sx={{ display: "flex", alignItems: "center", gap: 1 }}>
          <MuiLink
            href={`#${encodeURIComponent(file.path)}`}
            onClick={(event) => {
              event.preventDefault();
              document.getElementById(`file-${file.path}`)?.scrollIntoView({ block: "start" });
            }}
            color="inherit"
            underline="hover"
            title={plainName(file.path)}
            sx={{
              flex: 1,
              minWidth: 0,
              fontFamily: MONO,
              fontSize: "0.75rem",
              lineHeight: "26px",
              overflow: "hidden",
              textOverflow: "ellipsis",
              whiteSpace: "nowrap",
              direction: "rtl",
              textAlign: "left",
            }}
          >
            <FileName name={file.path} />
          </MuiLink>
          <Typography variant="caption" component="span" sx={{ whiteSpace: "nowrap" }}>
            <Plus count={file.additions} />
            <Minus count={file.deletions} />
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
