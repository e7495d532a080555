// The timeline as rows, for those who rather read.

import { Box, Table, TableBody, TableCell, TableHead, TableRow } from "@mui/material";
import { Status } from "../../components/Glyph";
import { TextLink } from "../../components/links";
import { clock, took } from "../../model/time";
import { type Chart, LOOK_TONES } from "../../model/timeline";

export function TimelineTable({ chart, taskId }: { chart: Chart; taskId: string }) {
  const rows = chart.lanes
    .flatMap((lane) => lane.bars.map((bar) => ({ lane, bar })))
    .sort((a, b) => a.bar.from - b.bar.from);
  return (
    <Box sx={{ overflowX: "auto", "& td, & th": { borderColor: "divider", pl: 0 } }}>
      <Table size="small" aria-label="Timeline">
        <TableHead>
          <TableRow>
            {["Who", "What", "From", "Until", "Took"].map((head) => (
              <TableCell key={head}>{head}</TableCell>
            ))}
          </TableRow>
        </TableHead>
        <TableBody>
          {rows.map(({ lane, bar }) => (
            <TableRow key={`${lane.id}-${bar.from}`}>
              <TableCell>
                {lane.id ? (
                  <TextLink
                    to="/tasks/$taskId/sessions/$sessionId"
                    params={{ taskId, sessionId: lane.id }}
                    color="inherit"
                  >
                    {lane.name}
                  </TextLink>
                ) : (
                  lane.name
                )}
              </TableCell>
              <TableCell>
                <Status tone={LOOK_TONES[bar.look]} label={bar.label} />
              </TableCell>
              <TableCell sx={{ whiteSpace: "nowrap" }}>{clock(bar.from)}</TableCell>
              <TableCell sx={{ whiteSpace: "nowrap" }}>{bar.isOpen ? "now" : clock(bar.until)}</TableCell>
              <TableCell sx={{ whiteSpace: "nowrap" }}>{took(bar.until - bar.from)}</TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Box>
  );
}
