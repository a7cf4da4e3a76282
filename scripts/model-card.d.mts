import type { Plugin } from "vite";

export function modelCard(file: string): Plugin;
