const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/** A number of bytes for people: units of a thousand, one decimal below ten. "20 kB", "2.1 GB", "512 B". */
export function sizeText(bytes: bigint): string {
  const size = Number(bytes);
  if (size < 10) return `${size} B`;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  const value = Math.floor((size / 1_000 ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[power]}`;
}
