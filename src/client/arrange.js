// Where the tiles of the stage stand, and which of them have a place on a page: pure arithmetic on
// rectangles, in CSS pixels.

const RATIO = 16 / 9;
const SMALL_WIDTH_MAX = 232;

/** A small tile narrower than this is not legible: in rows, in a gallery of equals, in a column. */
const SMALL_WIDTH_MIN = 140;
const EQUAL_WIDTH_MIN = 180;
const COLUMN_WIDTH_MIN = 110;

/** A row of small tiles has this part of the stage's height at least. */
const ROW_MIN = 0.16;

/** A stage that is wider than this for its height has the small tiles beside the large one. */
const WIDE = 1.7;

/** The side of the buttons that turn the page: a finger's width. */
const TURN = 44;

/** The height of the page's number under such a button. */
const NUMBER = 18;

/** How many lengths of at least `least` have room in `all`, with gaps between them. */
const fitting = (all, least, gap) => Math.max(1, Math.floor((all + gap) / (least + gap)));

/**
 * The largest grid of `count` 16:9 tiles in a box, centred; rectangles in reading order.
 */
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
 * Places `large` tiles and, of `small` ones, those on a page; with none large, all are equals.
 * Answers `{large, small, first, page, pages, turns}`: lists of rectangles `{left, top, width, height}`
 * inside a box of `width` by `height`; the number of the first small tile that has one; the page,
 * which may be an earlier one than was asked for, and how many there are; and where the buttons that
 * turn it and its number stand (`{back, on, number}`, null on a single page). `most` small tiles have a place at once.
 */
export function arrange({ width, height, large, small, gap, page = 0, most = Infinity }) {
  const box = { left: 0, top: 0, width, height };
  const areasOf = large === 0 ? equals : width / height > WIDE ? beside : below;
  let areas = areasOf(box, small, gap, most, false);
  if (small > areas.count) areas = areasOf(box, small, gap, most, true);
  const pages = Math.max(1, Math.ceil(small / areas.count));
  const shown = Math.min(page, pages - 1);
  const first = shown * areas.count;
  // The last page is laid out as the others are, so that no tile changes its size.
  const places = grid(areas.small, pages > 1 ? areas.count : small, gap, areas.widthMax);
  return {
    large: grid(small === 0 ? box : areas.large, large, gap),
    small: places.slice(0, Math.min(areas.count, small - first)),
    first, page: shown, pages,
    turns: pages > 1 ? areas.turns : null,
  };
}

/** A gallery; the buttons at its sides. */
function equals(box, small, gap, most, turning) {
  const side = turning ? TURN + gap : 0;
  const inner = { ...box, left: side, width: box.width - 2 * side };
  const widthMin = Math.min(EQUAL_WIDTH_MIN, inner.width / 2.2);
  const count = fitting(inner.width, widthMin, gap) * fitting(box.height, widthMin / RATIO, gap);
  return {
    large: box, small: inner, widthMax: Infinity, count: Math.min(count, most),
    turns: atTheSides(box, 0, box.height),
  };
}

/**
 * Rows under the large tiles, as many as take nothing from their width, at least one. As high as they
 * are by the stage alone, so that a large tile stays as it is when somebody comes.
 */
function below(box, small, gap, most, turning) {
  const side = turning ? TURN + gap : 0;
  const inner = { left: side, width: box.width - 2 * side };
  const widthMin = Math.min(SMALL_WIDTH_MIN, box.width / 3.4);
  const spare = box.height - box.width / RATIO - gap;
  const rows = Math.min(3, fitting(spare, widthMin / RATIO, gap));
  const count = Math.min(most, rows * fitting(inner.width, widthMin, gap));
  const row = Math.min(SMALL_WIDTH_MAX / RATIO, Math.max(spare, box.height * ROW_MIN));
  const height = Math.min(rows > 1 ? spare : row, box.height / 2);
  const top = box.height - height;
  return {
    large: { ...box, height: top - gap }, small: { ...inner, top, height }, widthMax: SMALL_WIDTH_MAX, count,
    turns: atTheSides(box, top, height),
  };
}

/** A column beside the large tiles, of three where they are legible; the buttons under it. */
function beside(box, small, gap, most, turning) {
  const third = ((box.height - TURN - 3 * gap) / 3) * RATIO;
  const width = Math.min(SMALL_WIDTH_MAX, Math.max(COLUMN_WIDTH_MIN, third));
  const left = box.width - width;
  const height = box.height - (turning ? TURN + gap : 0);
  const count = Math.min(most, fitting(height, width / RATIO, gap));
  const top = box.height - TURN;
  const turn = { top, width: TURN, height: TURN };
  return {
    large: { ...box, width: left - gap }, small: { left, top: 0, width, height }, widthMax: width, count,
    turns: {
      back: { ...turn, left }, on: { ...turn, left: box.width - TURN },
      number: { left: left + TURN, top, width: width - 2 * TURN, height: TURN },
    },
  };
}

function atTheSides(box, top, height) {
  const turn = { top: Math.round(top + (height - TURN) / 2), width: TURN, height: TURN };
  const on = { ...turn, left: box.width - TURN };
  return { back: { ...turn, left: 0 }, on, number: { ...on, top: on.top + TURN, height: NUMBER } };
}
