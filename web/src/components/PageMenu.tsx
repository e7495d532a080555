// A menu of the page. It opens outside of the page's landmarks, so it is one itself.

import { Menu, type MenuProps } from "@mui/material";

export function PageMenu({ label, ...props }: MenuProps & { label: string }) {
  return (
    <Menu
      {...props}
      slotProps={{ root: { role: "region", "aria-label": label }, list: { "aria-label": label } }}
    />
  );
}
