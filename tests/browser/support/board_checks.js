// What the board's rows must be, tried without the board: who is counted, filtered, sorted as what.
// `boardChecks(import)` gives the list of what was wrong.
window.boardChecks = async (load) => {
  const { countsOf, filtered, rowsOf, sorted, unattended } = await load("board-rows.js");
  const wrong = [];
  const same = (what, got, wanted) => {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) wrong.push(`${what}: ${is} instead of ${should}`);
  };
  const seat = (member, role, name) => ({ member, name, role, delegation: member.split("-")[0], delegation_name: member.split("-")[0] });
  const present = (member, more = {}) => ({ member, role: "delegate", lost: false, in_lobby: false, path: "udp", quality: "good", ...more });
  const invite = (member, expires, revoked = false) => ({ member, jti: `${member}${expires}`, expires, revoked });
  const known = (sessions) => ({
    members: [seat("a-1", "chair", "Chair"), seat("a-2", "delegate", "Zoë"), seat("b-1", "delegate", "Ahmad"), seat("b-10", "delegate", "Ahmad"), seat("c-1", "observer", "Нина")],
    checks: [{ member: "a-2", verdict: "udp" }, { member: "b-1", verdict: "tcp" }, { member: "c-1", verdict: "none" }],
    invites: [invite("a-1", "2026-01-02"), invite("a-2", "2026-01-02", true), invite("b-1", "2025-12-01")],
    minted: new Map(), live: { sessions },
  });
  const now = Date.parse("2026-01-01");
  const rows = rowsOf(known([{
    id: "one",
    present: [present("a-2", { quality: "poor" }), present("b-1", { in_lobby: true, quality: null }), present("c-1", { lost: true }), present("x-1", { name: "Guest" })],
  }]), now);
  const of = (key) => Object.fromEntries(rows.map((row) => [row.member, row[key]]));
  same("where", of("place"), { "a-1": "away", "a-2": "in", "b-1": "lobby", "b-10": "away", "c-1": "lost", "x-1": "in" });
  same("lines", of("line"), { "a-1": "off", "a-2": "poor", "b-1": "off", "b-10": "off", "c-1": "off", "x-1": "good" });
  same("links", of("link"), { "a-1": "valid", "a-2": "over", "b-1": "over", "b-10": "none", "c-1": "none", "x-1": "none" });
  const { all, checked, checkedUdp, checkedTcp, failed, unchecked, here, poor } = countsOf(rows);
  same("counts", { all, checked, checkedUdp, checkedTcp, failed, unchecked, here, poor },
    { all: 6, checked: 3, checkedUdp: 1, checkedTcp: 1, failed: 1, unchecked: 3, here: 2, poor: 1 });

  const found = (choice) => filtered(rows, { filter: "all", session: "", words: "", ...choice }).map(({ member }) => member);
  same("not here", found({ filter: "away" }), ["a-1", "b-10", "c-1"]);
  same("by marks and case", found({ words: "ZOE" }), ["a-2"]);
  same("by two words", found({ words: "b ahmad" }), ["b-1", "b-10"]);
  same("in a session", found({ session: "one", filter: "poor" }), ["a-2"]);
  const order = (key, up = true) => sorted(rows, { key, up }, "en").map(({ member }) => member).join(" ");
  same("by name, numbers as numbers", order("name"), "b-1 b-10 a-1 x-1 a-2 c-1");
  same("by name, turned round", order("name", false), "c-1 a-2 x-1 a-1 b-10 b-1");
  same("worst checks first", order("check"), "c-1 b-10 a-1 x-1 b-1 a-2");
  same("worst lines first", order("line").slice(0, 7), "a-2 x-1");

  const lobby = (...people) => unattended({ sessions: [{ id: "one", present: people }] }, rows).map(({ id, waiting }) => [id, waiting]);
  const chair = present("a-1", { role: "chair" });
  const waits = present("b-1", { in_lobby: true });
  same("who waits without a chair", lobby(waits, present("a-2")), [["one", 1]]);
  same("a chair is there", lobby(waits, chair), []);
  same("a chair who is lost", lobby(waits, { ...chair, lost: true }), [["one", 1]]);
  same("a chair who waits too", lobby(waits, { ...chair, in_lobby: true }), [["one", 2]]);

  // Parts that are asked for while the board rests do not make the rest of it new.
  const { Watch } = await load("board-watch.js");
  const passed = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const watch = new Watch({
    news: async (path) => (path === "/events" ? { events: [{ id: "one", served: true }] }
      : { at: "2026-01-01T00:00:00Z", sessions: [], checks: [], invites: [], members: [] }),
  });
  await watch.look();
  const heard = watch.heardAt;
  watch.paused = true;
  await passed(20);
  await watch.look("invites");
  same("as old as its last look", [heard !== null, watch.heardAt === heard], [true, true]);
  watch.paused = false;
  await passed(20);
  watch.paused = true;
  same("and new after another", watch.heardAt > heard, true);

  // Each language has what English has, and in the same form.
  const form = (text) => (typeof text === "object"
    ? Object.entries(text).sort().map(([key, each]) => [key, form(each)])
    : [typeof text, text.length > 0, typeof text === "function" ? text.length : 0]);
  const { boardEnglish } = await load("texts-board-en.js");
  const { boardRussian } = await load("texts-board-ru.js");
  const { boardIndonesian } = await load("texts-board-id.js");
  const names = { en: ["english", boardEnglish], ru: ["russian", boardRussian], id: ["indonesian", boardIndonesian] };
  for (const [code, [name, words]] of Object.entries(names)) {
    const texts = (await load(`texts-${code}.js`))[name];
    same(`the way to the board in ${name}`, words.endings.no_link.next.includes(texts.check.board), true);
  }
  same("the Russian texts", form(boardRussian), form(boardEnglish));
  same("the Indonesian texts", form(boardIndonesian), form(boardEnglish));
  return wrong;
};
