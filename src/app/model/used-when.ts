const DAY_MS = 86_400_000;

/** "used today", "used yesterday", "used 3 weeks ago". */
export function usedWhen(used: number, now: number): string {
  const days = Math.floor(midnight(now) / DAY_MS) - Math.floor(midnight(used) / DAY_MS);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (days < 14) return `used ${words.format(-Math.max(0, days), "day")}`;
  if (days < 60) return `used ${words.format(-Math.round(days / 7), "week")}`;
  return `used ${words.format(-Math.round(days / 30), "month")}`;
}

/** Local time as if it were UTC, so that a day ends at midnight here. */
function midnight(time: number): number {
  return time - new Date(time).getTimezoneOffset() * 60_000;
}
