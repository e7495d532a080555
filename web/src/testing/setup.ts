// What each test in a page begins and ends with.

import { afterEach } from "vitest";
import { server } from "./network";

afterEach(() => server.resetHandlers());
