// Light, dark, or what the system says.

import DarkModeOutlined from "@mui/icons-material/DarkModeOutlined";
import LightModeOutlined from "@mui/icons-material/LightModeOutlined";
import SettingsBrightnessOutlined from "@mui/icons-material/SettingsBrightnessOutlined";
import { IconButton, Tooltip } from "@mui/material";
import { useColorScheme } from "@mui/material/styles";

export const SCHEMES = [
  { id: "system", label: "System", icon: SettingsBrightnessOutlined },
  { id: "light", label: "Light", icon: LightModeOutlined },
  { id: "dark", label: "Dark", icon: DarkModeOutlined },
] as const;

/** Goes from one to the next, where there is no menu. */
export function ThemeSwitch() {
  const { mode = "system", setMode } = useColorScheme();
  const at = SCHEMES.findIndex(({ id }) => id === mode);
  const { label, icon: Icon } = SCHEMES[at] ?? SCHEMES[0];
  const next = SCHEMES[(at + 1) % SCHEMES.length] ?? SCHEMES[0];
  return (
    <Tooltip title={`Appearance: ${label}`}>
      <IconButton
        onClick={() => setMode(next.id)}
        aria-label={`Appearance: ${label}. Switch to ${next.label}`}
      >
        <Icon fontSize="small" />
      </IconButton>
    </Tooltip>
  );
}
