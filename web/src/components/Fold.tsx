// Something that is shown when it is asked for.

import ChevronRightRounded from "@mui/icons-material/ChevronRightRounded";
import { Box, ButtonBase, Collapse } from "@mui/material";
import { type ReactNode, useId, useState } from "react";

interface Props {
  label: ReactNode;
  children: ReactNode;
  quiet?: boolean;
  startOpen?: boolean;
}

export function Fold({ label, children, quiet = false, startOpen = false }: Props) {
  const [isOpen, setOpen] = useState(startOpen);
  const id = useId();
  return (
    <Box sx={{ my: quiet ? 0.75 : 1 }}>
      <ButtonBase
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
        sx={{
          justifyContent: "flex-start",
          textAlign: "left",
          maxWidth: "100%",
          gap: 0.25,
          ml: -0.5,
          pr: 0.75,
          borderRadius: 0.5,
          fontSize: "0.8125rem",
          color: "text.secondary",
          "&:hover": { color: "text.primary" },
        }}
      >
        <ChevronRightRounded
          sx={{ fontSize: 18, transform: isOpen ? "rotate(90deg)" : "none", transition: "transform .15s" }}
        />
        {label}
      </ButtonBase>
      <Collapse in={isOpen} unmountOnExit id={id}>
        <Box sx={{ pl: 2, pt: 0.75, pb: 0.5 }}>{children}</Box>
      </Collapse>
    </Box>
  );
}
