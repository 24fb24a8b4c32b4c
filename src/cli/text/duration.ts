/** `0:07`, `12:31`, `3:05:00`, `2 d 04:00`; dashes where it cannot be said. */
export function durationText(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '-:--'
  const whole = Math.ceil(seconds)
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ]
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`
  return `${minutes}:${two(whole % 60)}`
}

/** How long something took: `0.6 s`, `42 s`, `12:31`. */
export function elapsedText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  return seconds < 59.5 ? `${Math.round(seconds)} s` : durationText(seconds)
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
