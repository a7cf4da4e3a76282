import { createRoot } from "react-dom/client";
import { Story } from "./Story.tsx";

const root = document.querySelector("#app");
if (root !== null) createRoot(root).render(<Story />);
