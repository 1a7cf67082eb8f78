// Where the tiles of the stage stand: pure arithmetic on rectangles, in CSS pixels.

const RATIO = 16 / 9;
const SMALL_WIDTH_MAX = 232;

/** The largest grid of `count` 16:9 tiles in a box, centred; rectangles in reading order. */
function grid(box, count, gap, widthMax = Infinity) {
  if (count === 0) return [];
  let best = { width: 0, columns: 1 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const width = Math.min(
      widthMax,
      (box.width - gap * (columns - 1)) / columns,
      ((box.height - gap * (rows - 1)) / rows) * RATIO,
    );
    if (width > best.width) best = { width, columns };
  }
  const width = Math.max(0, Math.floor(best.width));
  const height = Math.floor(width / RATIO);
  const rows = Math.ceil(count / best.columns);
  const top = box.top + (box.height - rows * height - (rows - 1) * gap) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = Math.min(best.columns, count - row * best.columns);
    const left = box.left + (box.width - inRow * width - (inRow - 1) * gap) / 2;
    const column = index % best.columns;
    return {
      left: Math.round(left + column * (width + gap)),
      top: Math.round(top + row * (height + gap)),
      width,
      height,
    };
  });
}

/**
 * Places `large` tiles above `small` ones. Answers `{large, small}`, lists of rectangles
 * `{left, top, width, height}` inside a box of `width` by `height`.
 */
export function arrange({ width, height, large, small, gap }) {
  const box = { left: 0, top: 0, width, height };
  if (large === 0) return { large: [], small: grid(box, small, gap) };
  if (small === 0) return { large: grid(box, large, gap), small: [] };
  const strip = stripHeight(width, height, small, gap);
  const above = { ...box, height: height - strip - gap };
  const below = { ...box, top: height - strip, height: strip };
  return {
    large: grid(above, large, gap),
    small: grid(below, small, gap, SMALL_WIDTH_MAX),
  };
}

/** As few rows as keep the small tiles legible. */
function stripHeight(width, height, count, gap) {
  const widthMin = Math.min(140, width / 3.4);
  for (let rows = 1; rows <= 3; rows += 1) {
    const columns = Math.ceil(count / rows);
    const tile = Math.min(SMALL_WIDTH_MAX, (width - gap * (columns - 1)) / columns);
    if (tile >= widthMin || rows === 3) {
      return Math.min(height * 0.5, rows * (tile / RATIO) + (rows - 1) * gap);
    }
  }
  return height / 2;
}
