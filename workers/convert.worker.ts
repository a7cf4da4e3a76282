import { expose } from "comlink";
import { createOwnHost } from "../src/own/host.ts";
import type { OwnApi } from "../src/own/protocol.ts";
import { installErrorTransfer } from "../src/protocol.ts";

installErrorTransfer();
expose(createOwnHost() satisfies OwnApi);
