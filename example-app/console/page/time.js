/** The time of day, to the second. */
export function clockTime(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** How far a time is from now, in words; from seconds since the epoch. */
export function relativeTime(seconds) {
  const away = Math.round(seconds - Date.now() / 1000);
  return away >= 0 ? `in ${span(away)}` : `${span(-away)} ago`;
}

/** Seconds in words. */
export function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
