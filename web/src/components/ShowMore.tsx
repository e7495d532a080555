// The end of a list that is read page by page: the button that reads the next page, and why that failed.

import { Box, Button } from "@mui/material";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { Failed } from "./States";

interface Props {
  query: Pick<
    UseInfiniteQueryResult,
    "hasNextPage" | "isFetchingNextPage" | "isFetchNextPageError" | "fetchNextPage" | "error"
  >;
  label: string;
}

export function ShowMore({ query, label }: Props) {
  const read = () => void query.fetchNextPage();
  if (query.isFetchNextPageError) return <Failed error={query.error} retry={read} />;
  if (!query.hasNextPage) return null;
  return (
    <Box sx={{ mt: 1.5 }}>
      <Button variant="outlined" color="inherit" loading={query.isFetchingNextPage} onClick={read}>
        {label}
      </Button>
    </Box>
  );
}
