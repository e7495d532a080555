// The last events of a task.

import { Box, Typography } from "@mui/material";
import type { Activity, WorkSession } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Section } from "../../components/Page";
import { activityLabel } from "../../model/activity";

const SHOWN = 8;

export function ActivityList({ activity, sessions }: { activity: Activity[]; sessions: WorkSession[] }) {
  return (
    <Section title="Recent activity">
      <Box component="ol" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {activity.slice(0, SHOWN).map((each) => {
          const session = sessions.find((one) => one.id === each.work_session_id);
          return (
            <Box component="li" key={each.seq} sx={{ display: "flex", gap: 1.5, py: 0.375 }}>
              <Typography variant="caption" sx={{ flex: 1, minWidth: 0, overflowWrap: "anywhere" }}>
                {activityLabel(each.kind)}
                {session && (
                  <Box component="span" sx={{ color: "text.secondary" }}>
                    {` · ${session.name}`}
                  </Box>
                )}
              </Typography>
              <Typography variant="caption" color="textSecondary">
                <Ago at={each.at} />
              </Typography>
            </Box>
          );
        })}
      </Box>
    </Section>
  );
}
