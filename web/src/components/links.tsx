// The router's links in the clothes of the component library, with checked addresses.

import {
  Box,
  type BoxProps,
  Button,
  ButtonBase,
  type ButtonBaseProps,
  type ButtonProps,
  Link,
  type LinkProps,
} from "@mui/material";
import { createLink } from "@tanstack/react-router";

export const TextLink = createLink((props: LinkProps<"a">) => <Link component="a" {...props} />);
export const LinkButton = createLink((props: ButtonProps<"a">) => <Button component="a" {...props} />);
export const LinkBase = createLink((props: ButtonBaseProps<"a">) => <ButtonBase component="a" {...props} />);
export const LinkBox = createLink((props: BoxProps<"a">) => <Box component="a" {...props} />);
