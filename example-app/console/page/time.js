/** The time of day, to the second. */
export function clockTime(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** Distance of a time from now, such as "in 60 min" or "5 s ago". The time is in seconds since the epoch. */
export function relativeTime(time) {
  const seconds = Math.round(time - Date.now() / 1000);
  return seconds >= 0 ? `in ${formatSeconds(seconds)}` : `${formatSeconds(-seconds)} ago`;
}

/** A duration as "119 s", "60 min" or "2 h". */
export function formatSeconds(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
