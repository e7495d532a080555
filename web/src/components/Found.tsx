// One result of a search: where it is, and a few words with what was found marked.

import { Box, Stack, Typography } from "@mui/material";
import type { SearchResult } from "../api/types";
import { placeOf } from "../model/found";
import { Ago } from "./Ago";

export function Found({ result, isShort = false }: { result: SearchResult; isShort?: boolean }) {
  return (
    <Box sx={{ minWidth: 0, flex: 1 }}>
      <Stack direction="row" sx={{ alignItems: "baseline", gap: 1, minWidth: 0 }}>
        <Typography variant="body2" noWrap dir="auto" sx={{ fontWeight: 600, minWidth: 0, flexShrink: 1 }}>
          {result.task_short_id} {result.task_name}
        </Typography>
        <Typography
          variant="caption"
          color="textSecondary"
          noWrap
          dir="auto"
          sx={{ flexShrink: 0, maxWidth: "45%" }}
        >
          {placeOf(result)}
        </Typography>
        <Box sx={{ flex: 1 }} />
        <Typography variant="caption" color="textSecondary" sx={{ flexShrink: 0 }}>
          <Ago at={result.at} />
        </Typography>
      </Stack>
      <Typography
        variant="body2"
        color="textSecondary"
        component="p"
        sx={{
          overflowWrap: "anywhere",
          display: "-webkit-box",
          WebkitBoxOrient: "vertical",
          WebkitLineClamp: isShort ? { xs: 2, sm: 1 } : 3,
          overflow: "hidden",
          "& mark": {
            color: "text.primary",
            fontWeight: 600,
            bgcolor: "color-mix(in srgb, var(--mui-palette-warning-main) 22%, transparent)",
            borderRadius: 0.5,
          },
        }}
      >
        {result.snippet.map((part, at) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text have no identity but their place
          part.marked ? <mark key={at}>{part.text}</mark> : <span key={at}>{part.text}</span>,
        )}
      </Typography>
    </Box>
  );
}
