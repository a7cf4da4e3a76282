import { expose } from "comlink";
import { type EngineApi, installErrorTransfer } from "../src/protocol.ts";
import { createHost } from "../src/runtime/host.ts";
import { browserPlatform } from "../src/runtime/platform-browser.ts";

installErrorTransfer();
expose(createHost(browserPlatform()) satisfies EngineApi);
