// The changes of a session, file by file, also while they are not committed.

import { Box, Typography } from "@mui/material";
import { useInfiniteQuery } from "@tanstack/react-query";
import { sessionDiffQuery } from "../../api/queries";
import type { WorkSession } from "../../api/types";
import { Mono } from "../../components/Code";
import { ShowMore } from "../../components/ShowMore";
import { Empty, Failed, Paragraphs } from "../../components/States";
import { FileDiffCard } from "../task/FileDiffCard";

export function SessionChanges({ session }: { session: WorkSession }) {
  const query = useInfiniteQuery(sessionDiffQuery(session.id));
  const whole = query.data?.pages[0]?.items;
  const files = query.data?.pages.flatMap((page) => page.items.files) ?? [];
  if (query.isPending) return <Paragraphs lines={12} />;
  if (!whole) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (files.length === 0) {
    return (
      <Empty title="Nothing changed" compact>
        {whole.branch_name
          ? "Files appear here as soon as the agent writes them."
          : "This session reads and plans; it has no branch of its own."}
      </Empty>
    );
  }
  return (
    <>
      <Typography variant="body2" color="textSecondary" sx={{ mb: 1.5, overflowWrap: "anywhere" }}>
        {whole.total_files === 1 ? "1 file" : `${whole.total_files} files`}
        <Box component="span" sx={{ color: "success.main", mx: 1 }}>
          +{whole.additions}
        </Box>
        <Box component="span" sx={{ color: "error.main", mr: 1 }}>
          −{whole.deletions}
        </Box>
        {whole.branch_name && (
          <>
            on <Mono>{whole.branch_name}</Mono>
          </>
        )}
        {whole.with_uncommitted && ", with what is not committed yet"}
        {whole.is_shared && "; all sessions work on this branch, so others' work may be in it"}
      </Typography>
      {files.map((file) => (
        <FileDiffCard key={file.path} file={file} />
      ))}
      <ShowMore query={query} label="Show more files" />
    </>
  );
}
