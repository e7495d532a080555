// A session's conversation, growing as it is spoken, followed while its end is in view.

import ArrowDownwardRounded from "@mui/icons-material/ArrowDownwardRounded";
import { Box, Button, Typography } from "@mui/material";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { logQuery } from "../../api/queries";
import { usePermissions } from "../../components/Permissions";
import { Empty, Failed, Paragraphs } from "../../components/States";
import { useTopic } from "../../live/provider";
import { transcript } from "../../model/transcript";
import { BlockView } from "./BlockView";

/** How many blocks are drawn before older ones are asked for. */
const SHOWN = 150;
/** How near the end counts as being there, in pixels. */
const NEAR = 80;

export function Conversation({ sessionId, isActive }: { sessionId: string; isActive: boolean }) {
  useTopic("session", sessionId);
  const log = useQuery(logQuery(useQueryClient(), sessionId));
  const blocks = useMemo(() => transcript(log.data ?? []), [log.data]);
  const questions = usePermissions().filter((request) => request.work_session_id === sessionId);
  const [limit, setLimit] = useState(SHOWN);
  const { box, follows, follow, onScroll } = useFollow(log.data?.length ?? 0);
  // Entries of the live stream may arrive before the beginning of the log is read.
  const isReady = log.data !== undefined && (log.data.length === 0 || log.data[0]?.seq === 1);
  const hidden = Math.max(0, blocks.length - limit);

  return (
    <Box sx={{ position: "relative", flex: 1, minHeight: 0 }}>
      <Box
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-label="Conversation"
        tabIndex={0}
        sx={{ height: "100%", overflowY: "auto", px: { xs: 1.75, sm: 2.5 }, py: 2, outline: "none" }}
      >
        {log.isError && !isReady ? (
          <Failed error={log.error} retry={() => void log.refetch()} />
        ) : !isReady ? (
          <Paragraphs />
        ) : blocks.length === 0 ? (
          <Empty title="Nothing said yet" compact>
            {isActive ? "The agent is starting." : "The conversation begins when the session does."}
          </Empty>
        ) : (
          <Box sx={{ maxWidth: 820, mx: "auto" }}>
            {hidden > 0 && (
              <Box sx={{ textAlign: "center", mb: 2 }}>
                <Button variant="outlined" color="inherit" onClick={() => setLimit(limit + SHOWN)}>
                  Show {Math.min(SHOWN, hidden)} earlier
                </Button>
              </Box>
            )}
            {blocks.slice(hidden).map((block) => (
              <BlockView key={`${block.block}-${block.seq}`} block={block} questions={questions} />
            ))}
          </Box>
        )}
      </Box>
      {!follows && (
        <Button
          variant="outlined"
          color="inherit"
          startIcon={<ArrowDownwardRounded />}
          onClick={follow}
          sx={{
            position: "absolute",
            bottom: 12,
            left: "50%",
            transform: "translateX(-50%)",
            boxShadow: "0 2px 10px rgba(0,0,0,.14)",
          }}
        >
          <Typography variant="caption">Latest</Typography>
        </Button>
      )}
    </Box>
  );
}

/** Keeps the end in view as the content grows, unless the reader scrolled away from it. */
function useFollow(length: number) {
  const box = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const wants = useRef(true);

  const toEnd = () => {
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the length stands for the content that grew
  useLayoutEffect(() => {
    if (wants.current) toEnd();
  }, [length]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (wants.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    wants.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    setFollows(wants.current);
  };
  const follow = () => {
    wants.current = true;
    setFollows(true);
    toEnd();
  };
  return { box, follows, follow, onScroll };
}
