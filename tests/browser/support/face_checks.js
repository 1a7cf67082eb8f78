// What the parts of the page's face must do that need a document, but no room: dialogs, drawing, presses, rows
// that are moved, what was written and is sent. `faceChecks(import)` gives the list of what was wrong.
window.faceChecks = async (load) => {
  const { button, el, oncePerFrame } = await load("dom.js");
  const wrong = [];
  const same = (what, got, wanted) => {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) wrong.push(`${what}: ${is} instead of ${should}`);
  };
  const passed = (ms) => new Promise((done) => { setTimeout(done, ms); });

  // One dialog over another, each with its own name and text.
  const { openDialog } = await load("ui-dialog.js");
  const dialogs = ["One", "Two"].map((title) => openDialog({ title, text: `${title}.`, buttons: [button(title)] }));
  const said = (dialog, by) => document.getElementById(dialog.getAttribute(by))?.textContent;
  same("each dialog's own words", dialogs.map((each) => [said(each, "aria-labelledby"), said(each, "aria-describedby")]),
    [["One", "One."], ["Two", "Two."]]);
  const other = openDialog({ title: "Three", content: el("p", { text: "Anything" }), buttons: [button("Done")] });
  same("a dialog of another content", [said(other, "aria-labelledby"), other.hasAttribute("aria-describedby")], ["Three", false]);
  [other, ...dialogs.reverse()].forEach((dialog) => dialog.close());

  // What is asked for before the page is hidden, and again while it is, is drawn without a frame.
  const frames = [];
  const realFrame = globalThis.requestAnimationFrame;
  globalThis.requestAnimationFrame = (run) => frames.push(run);
  const hide = (value) => Object.defineProperty(document, "hidden", { value, configurable: true });
  let drawn = 0;
  const redraw = oncePerFrame(() => { drawn += 1; });
  hide(false);
  redraw();
  redraw();
  same("one frame is asked for", [frames.length, drawn], [1, 0]);
  const [frame] = frames.splice(0);
  hide(true);
  redraw();
  await passed(20);
  same("drawn while hidden", drawn, 1);
  frame();
  same("and once", drawn, 1);
  delete document.hidden;
  globalThis.requestAnimationFrame = realFrame;
  // What the page itself has asked for meanwhile.
  frames.forEach((run) => realFrame(run));

  // A row that is being moved and leaves the list is not said to be put back.
  const { Reorder } = await load("ui-drag.js");
  const list = el("ul");
  document.body.append(list);
  const told = [];
  const reorder = new Reorder(list, {
    moves: () => true, first: () => 0, drop: () => {}, say: (what, row, place) => told.push(`${what} ${place}`),
  });
  const rows = ["a", "b"].map((name) => {
    const handle = button(name);
    const row = el("li", {}, handle);
    reorder.attach(row, handle);
    list.append(row);
    return row;
  });
  const lift = (row) => row.handle.dispatchEvent(new MouseEvent("click", { detail: 0 }));
  lift(rows[0]);
  rows[0].remove();
  reorder.drawn();
  same("a row that is gone", told.splice(0), ["lifted 0"]);
  lift(rows[1]);
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  same("a row that is put back", told, ["lifted 0", "cancelled 0"]);
  reorder.close();
  list.remove();

  // What was written follows its writer's name and the language.
  const { chooseLanguage, language } = await load("texts.js");
  const { ChatPage } = await load("ui-chat.js");
  const { AgendaPage } = await load("ui-agenda.js");
  const before = language();
  chooseLanguage("en");
  const named = (name) => new Map([["chair-1", { id: "chair-1", name, role: "chair" }]]);
  const at = Date.parse("2020-11-19T03:00:00Z");
  const meeting = {
    state: {
      session: { id: "session-1", state: "live", start: at, minutes: 60, items: [] }, profile: { chat: "everybody" },
      members: named("Chair"), away: new Map(), lobby: null, notes: [],
      chat: [{ at, member: "chair-1", to: "everybody", text: "Welcome." }],
      notices: [{ at, by: "chair-1", text: "We begin." }],
    },
  };
  const visit = { member: { id: "a", role: "delegate" }, event: { time_zone: "UTC" }, now: () => at };
  const parts = { visit, meeting, undo: {}, ui: {} };
  const pages = [new ChatPage(parts), new AgendaPage(parts)];
  const draw = () => {
    pages.forEach((page) => page.draw(true));
    return pages.map(({ root }) => root.querySelector(".said-by").textContent);
  };
  document.body.append(...pages.map(({ root }) => root));
  same("who wrote, and when", draw().map((words) => [words.includes("Chair"), words.includes("03:00")]), [[true, true], [true, true]]);
  meeting.state.members = named("Prof. Wirawan");
  same("under the present name", draw().map((words) => words.includes("Prof. Wirawan")), [true, true]);
  meeting.state.members = new Map();
  meeting.state.away = named("Prof. Wirawan");
  chooseLanguage("id");
  same("in another language, by who has left", draw().map((words) => [words.includes("Prof. Wirawan"), words.includes("03.00")]),
    [[true, true], [true, true]]);
  pages.forEach(({ root }) => root.remove());
  chooseLanguage(before);

  // Of a double press the first counts, and of a held key one; of steps each does.
  const taken = (once, ...presses) => {
    let count = 0;
    const places = [0, 1].map(() => button("", { once, on: { click: () => { count += 1; } } }));
    for (const [place, detail] of presses) places[place].dispatchEvent(new MouseEvent("click", { detail }));
    return count;
  };
  same("a double click", taken("a", [0, 1], [0, 2]), 1);
  same("one whose second half meets another button", taken("b", [0, 1], [1, 2]), 1);
  same("a double touch that the browser does not count", taken("c", [0, 1], [0, 1]), 1);
  same("a key pressed twice", taken("d", [0, 0], [1, 0]), 1);
  same("a press each of two buttons", taken("e", [0, 1], [1, 1]), 2);
  same("steps", taken(null, [0, 1], [0, 2], [0, 0], [0, 0]), 4);
  const held = (once) => button("", { once })
    .dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", repeat: true, cancelable: true }));
  same("a held key", [held("f"), held(null)], [false, true]);

  // What is written is sent once, and what is written meanwhile stays.
  const { RegisterPage } = await load("ui-register.js");
  const sent = [];
  const answers = [];
  const ui = {
    order: (type, { text }) => {
      sent.push(text);
      return new Promise((done) => { answers.push(done); });
    },
    notice: () => {},
  };
  const chair = { ...parts, visit: { ...visit, member: { id: "chair-1", role: "chair" } }, ui };
  const written = [ChatPage, RegisterPage, AgendaPage].map((Page) => new Page(chair).root);
  for (const name of ["chat-text", "recommendation-text", "session.notice-text", "minutes.note-text"]) {
    const field = written.map((root) => root.querySelector(`[data-testid="${name}"]`)).find(Boolean);
    const submit = () => field.form.dispatchEvent(new Event("submit", { cancelable: true }));
    const answer = async () => {
      answers.splice(0).forEach((done) => done(true));
      await passed(0);
    };
    field.value = "One.";
    submit();
    submit();
    field.value = "One. Two.";
    await answer();
    same(`${name}, sent once`, [sent.splice(0), field.value], [["One."], "One. Two."]);
    submit();
    await answer();
    same(`${name}, sent again`, [sent.splice(0), field.value], [["One. Two."], ""]);
  }
  return wrong;
};
