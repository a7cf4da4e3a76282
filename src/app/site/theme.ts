const KEY = "unmask-theme";

/** Light, dark or the system's choice, remembered in this browser. */
export function wireTheme(select: HTMLSelectElement): void {
  const apply = (theme: string): void => {
    if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
    else delete document.documentElement.dataset["theme"];
    select.value = theme === "light" || theme === "dark" ? theme : "auto";
  };
  apply(readStored());
  select.addEventListener("change", () => {
    apply(select.value);
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // Storage may be forbidden; the theme then lasts as long as the page.
    }
  });
}

function readStored(): string {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}
