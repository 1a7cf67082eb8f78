// What the page's own modules must do, tried without the page: the room's state as a fold over
// events, the missing event, the clock, and where tiles stand. `pageChecks(import)` gives the list
// of what was wrong.
window.pageChecks = async (load) => {
  const {
    Meeting, actingChair, fold, fromSnapshot, heardWithoutTurn, isHeard, lateness, loudness, mayShare,
    nameOf, nextInLine, nextItem, pauseReason, spentMs, standing, totals, whyNoHand, whyNoPlace,
  } = await load("meeting.js");
  const { Protocol, Unreachable } = await load("protocol.js");
  const { returnPause } = await load("visit.js");
  const { arrange } = await load("arrange.js");
  const { judge } = await load("quality.js");
  const { expectedWaitMs } = await load("wait.js");
  const { clock, initials, timeInBoth, timeLeft, timeToTheSecond } = await load("format.js");
  const { doorsOf, onlyBy } = await load("path.js");
  const { browserName } = await load("preflight.js");
  const wrong = [];
  const same = (what, got, wanted) => {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) wrong.push(`${what}: ${is} instead of ${should}`);
  };

  const snapshot = (rev) => ({
    rev, at: 1000,
    session: {
      id: "session-1", title: "One", state: "live", start: 0, minutes: 120, opened_at: 0,
      items: [{ id: "one", title: "One", minutes: 10 }, { id: "two", title: "Two", minutes: 20 }],
    },
    profile: {
      mode: "request", microphones: 1, queue_max: 50, turn_ms: 60000, warning_ms: 10000, end: "fade",
      fade_ms: 5000, policy: "fifo", list: [], budget_ms: 0, response_ms: 30000, lobby: false,
      screens: "everybody", chat: "everybody",
    },
    floor: { last_turn: 3 },
    members: ["chair", "delegate"].map((role) => (
      { id: `${role}-1`, name: role, role, delegation: "csis", mute: "none" })),
    queue: [], turns: [], spoken: [], chat: [], notices: [], notes: [], recommendations: [],
    lobby: [], banned: [],
  });
  const after = (...events) => events.reduce((state, event, index) =>
    fold(state, { rev: state.rev + 1, at: 2000 + index * 1000, ...event }), fromSnapshot(snapshot(10)));
  const me = "delegate-1";
  const requested = { type: "floor.requested", member: me };
  const granted = { type: "floor.granted", turn: 4, member: me, by: "chair-1", limit_ms: 60000 };
  const started = { type: "floor.started", turn: 4, member: me };

  // A hand becomes a turn, a turn ends.
  same("a hand", standing(after(requested), me).place, 1);
  const offered = after(requested, granted);
  same("a granted hand is gone", [offered.queue.length, standing(offered, me).turn.phase], [0, "offered"]);
  same("the last turn", offered.floor.last_turn, 4);
  same("who has the floor is heard", [isHeard(after(requested), me), isHeard(offered, me)], [false, true]);
  same("an ended turn is gone", after(granted, { type: "floor.ended", turn: 4, member: me }).turns, []);
  const missed = (requeued) => after(granted, { type: "floor.missed", turn: 4, member: me, requeued });
  same("a miss", [missed(true).queue.length, missed(false).queue.length], [1, 0]);
  same("who is gone", after(granted, { type: "member.left", member: me, reason: "lost" }).turns, []);

  // The clock runs from the start, is held by a mute and by a pause, and runs on after both.
  const spent = (state, now) => spentMs(state.turns[0], now);
  const running = after(granted, started);
  same("the clock waits for the start", spent(offered, 9000), 0);
  same("the clock runs", spent(running, 9000), 6000);
  const muted = after(granted, started, { type: "member.muted", member: me, by: "chair-1" });
  same("a mute holds the clock", [spent(muted, 9000), isHeard(muted, me)], [1000, false]);
  const unmuted = fold(muted, { rev: 14, at: 9000, type: "member.unmuted", member: me });
  same("and then it runs on", spent(unmuted, 9500), 1500);
  const paused = after(granted, started, { type: "session.paused", by: "chair-1" });
  same("a pause holds it", [spent(paused, 9000), isHeard(paused, me), isHeard(paused, "chair-1")], [1000, false, true]);
  const resumed = fold(paused, { rev: 14, at: 9000, type: "session.resumed", by: "chair-1" });
  same("and then it runs on too", spent(resumed, 9500), 1500);

  // Who is lost stays, with hand and turn; the clock waits until speech is heard again.
  const lost = { type: "member.lost", member: me };
  const back = { type: "member.back", member: me };
  const gone = after(granted, started, lost);
  same("a loss keeps the turn and holds the clock", [spent(gone, 9000), gone.members.get(me).lost], [1000, true]);
  const returned = after(granted, started, lost, back);
  same("a return alone does not start it", [spent(returned, 9000), returned.members.get(me).lost], [1000, false]);
  const unrelated = fold(returned, { rev: 15, at: 7000, type: "member.muted", member: "chair-1", by: "chair-1" });
  same("nor does anything else", spent(unrelated, 9000), 1000);
  same("but speech does", spent(after(granted, started, lost, back, started), 7000), 2000);
  const waiting = after(requested, { type: "floor.requested", member: "chair-1" }, lost);
  same("a lost hand keeps its place", waiting.queue.map(({ member }) => member), [me, "chair-1"]);
  same("and is passed over", nextInLine(waiting), "chair-1");
  same("nobody else is next", nextInLine(after(requested, lost)), null);
  const ended = (requeued) => after({ type: "floor.requested", member: "chair-1" }, granted, started, lost,
    { type: "floor.ended", turn: 4, member: me, reason: "gone", requeued });
  same("a lost turn's hand is at the head", ended(true).queue.map(({ member }) => member), [me, "chair-1"]);
  same("any other's is gone", ended().queue.map(({ member }) => member), ["chair-1"]);
  const taken = (lost) => fromSnapshot({
    ...snapshot(10),
    members: [{ id: me, name: "", role: "delegate", delegation: "csis", mute: "none", ...lost }],
    turns: [{
      turn: 4, member: me, phase: "speaking", granted_at: 0, limit_ms: 60000, spent_ms: 700, running: false,
      started: !lost.lost,
    }],
  });
  const resumedAfter = (lost) => fold(taken(lost), { rev: 11, at: 2000, type: "session.resumed", by: "chair-1" });
  same("so it is after a snapshot", [resumedAfter({ lost: true }), resumedAfter({})].map((state) => spent(state, 3000)), [700, 1700]);

  // A clock that is held runs on when a chair says so, and at nothing else.
  const hold = (by) => ({ type: "floor.clock_paused", turn: 4, member: me, by });
  const run = { type: "floor.clock_resumed", turn: 4, member: me, by: "chair-1" };
  const held = after(granted, started, hold("chair-1"));
  same("a chair holds the clock", [spent(held, 9000), held.turns[0].heldBy, isHeard(held, me)], [1000, "chair-1", true]);
  const restarted = after(granted, started, hold(null), lost, back, started);
  same("a restart holds it", [spent(restarted, 9000), restarted.turns[0].heldBy], [1000, null]);
  same("until a chair resumes it", spent(fold(restarted, { rev: 20, at: 9000, ...run }), 9500), 1500);

  // Each event by its effect in protocol.md.
  const of = (type, fields = {}) => ({ type, by: "chair-1", ...fields });
  const about = (type, fields = {}) => of(type, { member: me, ...fields });
  const seen = (what, events, look, wanted) => same(what, look(after(...events)), wanted);
  const session = (key) => (state) => state.session[key];
  const floor = (key) => (state) => state.floor[key] ?? null;
  const member = (key, id = me) => (state) => state.members.get(id)?.[key] ?? null;
  const joined = (id, fields) => ({ type: "member.joined", member: id, name: id, role: "delegate", delegation: "mgimo", ...fields });
  seen("prepared", [of("session.prepared")], session("state"), "prepared");
  seen("opened", [of("session.opened")], (state) => [state.session.state, state.session.opened_at, state.session.item, state.session.item_since], ["live", 0, "one", 2000]);
  seen("closed", [of("floor.priority_taken"), of("session.technical_stop"), of("session.change_awaited", { change: "close" }), of("session.closed")],
    (state) => [state.session.state, state.session.awaited, state.floor.priority, state.floor.technical_stop], ["closed", null, null, false]);
  seen("reopened", [of("session.closed"), of("session.reopened")], session("state"), "live");
  seen("configured", [of("session.configured", { mode: "fifo", microphones: 3 })],
    ({ profile }) => [profile.mode, profile.microphones, profile.turn_ms, profile.by], ["fifo", 3, 60000, undefined]);
  seen("an item", [of("session.change_awaited", { change: { item: "two" } }), of("agenda.item_started", { item: "two" })],
    (state) => [state.session.item, state.session.item_since, state.session.awaited, nextItem(state.session)], ["two", 3000, null, null]);
  seen("awaited", [of("session.change_awaited", { change: { item: "two" } })], session("awaited"), { item: "two" });
  seen("dropped", [of("session.change_awaited", { change: "close" }), of("session.change_dropped")], session("awaited"), null);
  seen("moved on", [of("session.moved_on", { to: "session-2" })], session("id"), "session-1");
  seen("locked", [of("session.locked")], session("locked"), true);
  seen("unlocked", [of("session.locked"), of("session.unlocked")], session("locked"), false);
  seen("spotlight", [about("session.spotlighted")], session("spotlight"), me);
  seen("no spotlight", [about("session.spotlighted"), of("session.spotlighted", { member: null })], session("spotlight"), null);
  seen("a technical stop holds the clock", [granted, started, of("session.technical_stop")],
    (state) => [state.floor.technical_stop, spent(state, 9000), isHeard(state, me)], [true, 1000, true]);
  seen("its end lets it run", [granted, started, of("session.technical_stop"), of("session.technical_stop_ended")], (state) => spent(state, 6000), 2000);
  seen("a notice", [of("agenda.item_started", { item: "two" }), of("session.notice", { text: "Tea" })], ({ notices }) => notices, [{ at: 3000, by: "chair-1", item: "two", text: "Tea" }]);
  seen("a note", [of("minutes.noted", { text: "Thanks" })], ({ notes }) => notes, [{ at: 2000, by: "chair-1", text: "Thanks" }]);
  seen("handed over", [joined("chair-2", { role: "chair", rank: 2 }), of("chair.handed_over", { to: "chair-2" })], actingChair, "chair-2");
  seen("to one who is lost", [joined("chair-2", { role: "chair", rank: 2 }), of("chair.handed_over", { to: "chair-2" }), { type: "member.lost", member: "chair-2" }], actingChair, "chair-1");
  seen("the lowest rank", [joined("chair-3", { role: "chair", rank: 3 }), joined("chair-2", { role: "chair", rank: 2 }), { type: "member.left", member: "chair-1", reason: "left" }], actingChair, "chair-2");
  seen("no chair", [{ type: "member.lost", member: "chair-1" }, { type: "chair.absent" }], floor("chair_absent"), true);
  seen("a chair again", [{ type: "member.lost", member: "chair-1" }, { type: "chair.absent" }, { type: "member.back", member: "chair-1" }], floor("chair_absent"), false);
  seen("joined", [joined("malaysia-1")], member("delegation", "malaysia-1"), "mgimo");
  seen("another name", [about("member.blocked"), joined(me, { name: "Sari" })], (state) => [member("name")(state), member("blocked")(state)], ["Sari", true]);
  seen("left", [requested, about("session.spotlighted"), about("member.left", { reason: "banned" })],
    (state) => [state.members.has(me), state.queue.length, state.session.spotlight, state.banned], [false, 0, null, [me]]);
  seen("and back, as the chairs have left it", [about("member.blocked"), about("member.left", { reason: "left" }), joined(me, { blocked: true, stopped: ["camera"] })], (state) => [member("blocked")(state), member("stopped")(state)], [true, ["camera"]]);
  seen("who has left has a name", [about("member.left", { reason: "left" })], (state) => nameOf(state, me), "delegate");
  const earlier = { ...snapshot(10), away: [{ id: "malaysia-1", name: "Ahmad" }] };
  same("who had left before, too", ["malaysia-1", "russia-1"].map((id) => nameOf(fromSnapshot(earlier), id)), ["Ahmad", "russia-1"]);
  seen("unbanned", [about("member.left", { reason: "banned" }), about("member.unbanned")], ({ banned }) => banned, []);
  seen("gone", [lost, { type: "member.gone", member: me }], (state) => [member("lost")(state), member("gone")(state)], [true, true]);
  seen("no longer gone", [lost, { type: "member.gone", member: me }, back], (state) => [member("lost")(state), member("gone")(state)], [false, false]);
  seen("asked", [about("member.muted"), about("member.unmute_asked")], member("mute"), "asked");
  seen("blocked", [about("member.blocked")], (state) => [member("blocked")(state), whyNoHand(state, me)], [true, "blocked"]);
  seen("unblocked", [about("member.blocked"), about("member.unblocked")], member("blocked"), false);
  seen("a picture stopped", [about("member.picture_stopped", { source: "screen" })], (state) => [member("stopped")(state), mayShare(state, me)], [["screen"], false]);
  seen("and allowed", [about("member.picture_stopped", { source: "screen" }), about("member.picture_allowed", { source: "screen" })], member("stopped"), []);
  const waits = (name) => ({ type: "lobby.entered", member: "malaysia-1", name, role: "delegate", delegation: "mgimo" });
  seen("the lobby", [waits("A"), waits("B")], ({ lobby }) => lobby, [{ member: "malaysia-1", name: "B", role: "delegate", delegation: "mgimo", since: 2000 }]);
  for (const type of ["lobby.left", "lobby.refused", "lobby.admitted"]) {
    seen(type, [waits("A"), of(type, { member: "malaysia-1" })], ({ lobby }) => lobby, []);
  }
  seen("a lobby is not everybody's", [], () => fold({ ...after(), lobby: null }, { rev: 11, at: 0, ...waits("A") }).lobby, null);
  const inOrder = (state) => state.queue.map(({ member: who, kind, why }) => `${who} ${kind} ${why}`);
  const other = (fields) => ({ type: "floor.requested", member: "chair-1", ...fields });
  const point = { kind: "point_of_order", place: 1, why: "point" };
  seen("a hand at its place", [requested, other(point)], inOrder, ["chair-1 point_of_order point", "delegate-1 speech received"]);
  seen("a point beside a hand", [requested, { ...requested, ...point }], inOrder, ["delegate-1 point_of_order point", "delegate-1 speech received"]);
  seen("a point goes alone", [requested, { ...requested, ...point }, about("floor.withdrawn", { point: true })], inOrder, ["delegate-1 speech received"]);
  seen("a hand goes alone", [requested, { ...requested, ...point }, about("floor.withdrawn")], inOrder, ["delegate-1 point_of_order point"]);
  seen("moved alone changes nothing", [requested, other(), about("floor.moved", { place: 2 })], inOrder, ["delegate-1 speech received", "chair-1 speech received"]);
  seen("the order", [requested, other(), { type: "floor.ordered", hands: [{ member: "chair-1", why: "pinned" }] }], inOrder, ["chair-1 speech pinned", "delegate-1 speech received"]);
  seen("the queue closed", [of("floor.queue_closed")], (state) => [state.floor.queue_closed, whyNoHand(state, me), whyNoHand(state, me, "point_of_order")], [true, "closed", null]);
  seen("the chair calls the speakers", [of("session.configured", { mode: "operator" })],
    (state) => ["speech", "response", "point_of_order"].map((kind) => whyNoHand(state, me, kind)), ["operator", "operator", null]);
  seen("and opened", [of("floor.queue_closed"), of("floor.queue_opened")], floor("queue_closed"), false);
  seen("who has a turn is not next", [granted, requested, other()], nextInLine, "chair-1");
  seen("confirmed", [granted, { type: "floor.confirmed", turn: 4, member: me }], ({ turns }) => [turns[0].phase, turns[0].started], ["speaking", false]);
  seen("warned", [granted, { type: "floor.warned", turn: 4, member: me }], ({ turns }) => [turns[0].warned, turns[0].overtime], [true, false]);
  seen("overtime", [granted, { type: "floor.overtime", turn: 4, member: me }], ({ turns }) => turns[0].overtime, true);
  const fading = [granted, started, { type: "floor.fading", turn: 4, member: me, over_ms: 4000 }];
  seen("fading", fading, ({ turns }) => turns[0].fading, { from_ms: 1000, over_ms: 4000 });
  seen("lowers by the clock", fading, ({ turns }) => [4000, 5000, 8000, 9000].map((now) => loudness(turns[0], now)), [1, 0.75, 0, 0]);
  seen("extended", [...fading, { type: "floor.warned", turn: 4, member: me }, about("floor.extended", { turn: 4, limit_ms: 90000 })],
    ({ turns }) => [turns[0].limit_ms, turns[0].warned, turns[0].fading, loudness(turns[0], 9000)], [90000, false, null, 1]);
  seen("spoken", [granted, { type: "floor.ended", turn: 4, member: me, spoken_ms: 700 }, { ...granted, turn: 5 }, { type: "floor.ended", turn: 5, member: me, spoken_ms: 300 }],
    (state) => [state.spoken, totals(state, 9000).delegations], [[{ member: me, delegation: "csis", ms: 1000 }], [{ id: "csis", ms: 1000 }]]);
  seen("a running turn counts", [granted, started], (state) => totals(state, 9000).members, [{ id: me, ms: 6000 }]);
  seen("a miss comes back behind its like", [requested, other({ why: "returned", place: 1 }), granted, { type: "floor.missed", turn: 4, member: me, requeued: true }, joined("x"), { ...requested, member: "x" }],
    inOrder, ["chair-1 speech returned", "delegate-1 speech returned", "x speech received"]);
  seen("a lost point comes back first", [other(point), { ...granted, kind: "point_of_order" }, { type: "floor.ended", turn: 4, member: me, requeued: true, spoken_ms: 0 }],
    inOrder, ["delegate-1 point_of_order point", "chair-1 point_of_order point"]);
  seen("priority", [granted, started, of("floor.priority_taken")],
    (state) => [state.floor.priority, spent(state, 9000), isHeard(state, me), isHeard(state, "chair-1"), heardWithoutTurn("podium", state), pauseReason(state, state.turns[0])],
    ["chair-1", 1000, false, true, false, "priority"]);
  seen("released", [granted, started, of("floor.priority_taken"), of("floor.priority_released")], (state) => [isHeard(state, me), spent(state, 6000)], [true, 2000]);
  const reply = { type: "floor.granted", turn: 5, member: "malaysia-1", kind: "response", by: "chair-1", limit_ms: 30000 };
  seen("a reply pauses the speech", [joined("malaysia-1"), granted, started, reply],
    (state) => [spent(state, 9000), isHeard(state, me), isHeard(state, "malaysia-1"), pauseReason(state, state.turns[0])], [1000, false, true, "response"]);
  seen("and its end lets it go on", [joined("malaysia-1"), granted, started, reply, { type: "floor.ended", turn: 5, member: "malaysia-1", spoken_ms: 0 }], (state) => spent(state, 9000), 4000);
  seen("the oldest are heard", [joined("malaysia-1"), granted, { ...reply, kind: undefined }], (state) => [isHeard(state, me), isHeard(state, "malaysia-1")], [true, false]);
  seen("a chat", [{ type: "chat.sent", member: me, to: "chairs", text: "Hello" }], ({ chat }) => chat, [{ at: 2000, member: me, to: "chairs", text: "Hello" }]);
  seen("the latest 200", Array.from({ length: 205 }, (_, index) => ({ type: "chat.sent", member: me, to: "chairs", text: `${index}` })), ({ chat }) => [chat.length, chat[0].text], [200, "5"]);
  const proposed = { type: "recommendation.proposed", number: 1, member: me, text: "Do" };
  const supported = { type: "recommendation.supported", number: 1, member: "chair-1" };
  const agreed = of("recommendation.status_set", { number: 1, status: "agreed" });
  const signed = of("recommendation.signed", { number: 1, institute: "csis" });
  const first = ({ recommendations: [one] }) => [one.text, one.supporters, one.status, one.signed];
  seen("proposed", [proposed], first, ["Do", [], "proposed", []]);
  seen("supported", [proposed, supported], first, ["Do", ["chair-1"], "proposed", []]);
  seen("unsupported", [proposed, supported, { ...supported, type: "recommendation.unsupported" }], first, ["Do", [], "proposed", []]);
  seen("agreed and signed", [proposed, agreed, signed], first, ["Do", [], "agreed", ["csis"]]);
  seen("edited", [proposed, supported, agreed, signed, { ...proposed, type: "recommendation.edited", text: "Do it" }], first, ["Do it", [], "agreed", []]);
  seen("deferred", [proposed, agreed, signed, { ...agreed, status: "deferred" }], first, ["Do", [], "deferred", []]);
  seen("an unknown event", [{ type: "nobody.knows" }], ({ rev }) => rev, 11);

  // A fade is played, and never stays for the next turn.
  const { Fader } = await load("fader.js");
  let now = 4000;
  let volumes = [];
  let draw;
  const table = { state: after(...fading), subscribe: (listener) => { draw = listener; } };
  new Fader({ meeting: table, media: { setVolumes: (map) => { volumes = [...map]; } }, now: () => now });
  const played = (state, at) => {
    [table.state, now] = [state, at];
    draw();
    return volumes;
  };
  const over = after(...fading, { type: "floor.ended", turn: 4, member: me, reason: "time", spoken_ms: 5000 });
  same("a fade is played", [played(after(...fading), 6000), played(after(...fading), 8000)], [[[me, 0.5]], [[me, 0]]]);
  same("its echo is not", played(over, 8100), [[me, 0]]);
  same("a new turn is", played(after(granted), 8200), []);
  played(after(...fading), 8000);
  same("and after a while everything", [played(over, 8100), played(over, 8800)], [[[me, 0]], []]);
  same("nothing outside of a room", played(null, 9900), []);

  // What takes an order back, and that it does nothing once others have gone on.
  const { undoOf } = await load("undo.js");
  const on = (state, ...events) => events.reduce((from, event) => fold(from, { rev: from.rev + 1, at: 9000, ...event }), state);
  const undone = (what, type, fields, before, events, wanted, others) => {
    const from = after(...before);
    const to = on(from, ...events);
    const undo = undoOf(type, fields, from, to);
    same(`undo ${what}`, undo && undo.requests, wanted);
    if (wanted) same(`undo ${what}, and after others`, [undo.holds(to), undo.holds(on(to, ...others))], [true, false]);
  };
  const chairs = { type: "floor.requested", member: "chair-1" };
  const endedNow = { type: "floor.ended", turn: 4, member: me, reason: "stopped", by: "chair-1", spoken_ms: 0 };
  const another = { type: "floor.granted", turn: 5, member: "chair-1", by: "chair-1", limit_ms: 60000 };
  const hands = (...members) => ({ type: "floor.ordered", hands: members.map((each) => ({ member: each, why: "pinned" })) });
  undone("a stop", "floor.stop", { member: me }, [granted, started], [endedNow],
    [["floor.grant", { member: me, kind: "speech", after_turn: 4 }]], [another]);
  undone("a stop that gave the floor on", "floor.stop", { member: me }, [granted, started], [endedNow, another], null);
  undone("next", "floor.next", {}, [granted, started, chairs], [endedNow, another],
    [["floor.grant", { member: me, kind: "speech", after_turn: 5 }], ["floor.insert", { member: "chair-1", place: 1 }]],
    [{ type: "floor.ended", turn: 5, member: "chair-1", spoken_ms: 0 }]);
  undone("the first next", "floor.next", {}, [requested], [granted],
    [["floor.stop", { member: me }], ["floor.insert", { member: me, place: 1 }]], [endedNow]);
  undone("a reply given", "floor.grant", {}, [], [{ ...granted, kind: "response" }], null);
  undone("a removal", "floor.remove", { member: me }, [chairs, requested], [about("floor.withdrawn")],
    [["floor.insert", { member: me, place: 2 }]], [{ type: "floor.withdrawn", member: "chair-1" }]);
  undone("a removed point", "floor.remove", { member: me, point: true }, [{ ...requested, kind: "point_of_order" }],
    [about("floor.withdrawn", { point: true })], null);
  undone("a move", "floor.move", { member: me, place: 1 }, [chairs, requested], [hands(me, "chair-1")],
    [["floor.move", { member: me, place: 2, from_place: 1 }]], [{ type: "floor.withdrawn", member: "chair-1" }]);
  undone("a mute", "member.mute", { member: me }, [], [about("member.muted")], [["member.ask_unmute", { member: me }]], [about("member.unmuted")]);
  undone("a block", "member.block", { member: me }, [requested], [about("floor.withdrawn"), about("member.blocked")],
    [["member.unblock", { member: me }], ["floor.insert", { member: me, place: 1 }]], [about("member.unblocked")]);
  undone("priority", "floor.priority", {}, [], [of("floor.priority_taken")], [["floor.release_priority", {}]], [of("floor.priority_released")]);
  undone("a cleared floor", "floor.priority", { clear: true }, [], [of("floor.priority_taken")], null);
  undone("an item", "agenda.start", { item: "two" }, [of("agenda.item_started", { item: "one" })], [of("agenda.item_started", { item: "two" })],
    [["agenda.start", { item: "one", after_item: "two" }]], [of("agenda.item_started", { item: "one" })]);
  undone("an item that waits", "agenda.start", { item: "two" }, [], [of("session.change_awaited", { change: { item: "two" } })],
    [["session.drop_change", {}]], [of("session.change_dropped")]);
  undone("settings", "session.configure", { mode: "fifo" }, [], [of("session.configured", { mode: "fifo" })],
    [["session.configure", { mode: "request" }]], [of("session.configured", { mode: "open" })]);
  undone("what is for good", "session.close", {}, [], [of("session.closed")], null);

  // The agenda is as late as its item began or lasts.
  const late = (item, began, now) => lateness({ ...snapshot(1).session, item, item_since: began * 60000 }, now * 60000) / 60000;
  same("lateness", [late("one", 0, 9), late("one", 4, 9), late("one", 4, 17), late("two", 8, 20), late("two", 15, 20), late("two", 15, 37), late("three", 15, 37)],
    [0, 4, 7, 0, 5, 7, 0]);

  // Pauses between attempts to come back grow, and are spread.
  same("pauses", [0, 1, 2, 3, 4, 5, 50].map((attempt) => returnPause(attempt, 0.5)),
    [0, 300, 1200, 2700, 4800, 7000, 7000]);
  same("spread", [0, 1].map((chance) => returnPause(5, chance)), [5250, 8750]);

  // A socket that stays silent is abandoned for a ping, one that answers anything is not.
  const RealSocket = globalThis.WebSocket;
  const sockets = [];
  globalThis.WebSocket = class {
    static OPEN = 1;
    readyState = 1;
    sent = [];
    constructor() {
      sockets.push(this);
      setTimeout(() => this.onopen());
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {}
  };
  const protocol = new Protocol("ws://nowhere");
  const closed = [];
  const told = [];
  protocol.onClosed = (code) => closed.push(code);
  protocol.onEvent = ({ rev }) => told.push(rev);
  await protocol.connect();
  const [socket] = sockets;
  const pinged = protocol.ping(30);
  socket.onmessage({ data: JSON.stringify({ id: socket.sent[0].id, error: { code: "too_fast", message: "" } }) });
  await pinged;
  same("a ping is a request", socket.sent[0].type, "ping");
  await new Promise((done) => setTimeout(done, 60));
  same("any answer is one", [closed, protocol.connected], [[], true]);
  const order = protocol.request("floor.request").catch((error) => error instanceof Unreachable);
  await protocol.ping(30);
  same("silence is the end", [closed, protocol.connected, await order], [[1006], false, true]);
  socket.onmessage({ data: JSON.stringify({ rev: 1, prev: 0, type: "session.opened" }) });
  same("and for good", told, []);
  globalThis.WebSocket = RealSocket;

  // Events before the snapshot are nothing, a missing one asks for a snapshot.
  let asked = 0;
  const meeting = new Meeting(async () => {
    asked += 1;
    return snapshot(20);
  });
  const event = (prev, rev) => meeting.handleEvent({ prev, rev, at: 2000, ...requested });
  event(9, 10);
  same("nothing before a snapshot", meeting.state, null);
  meeting.reset(snapshot(10));
  event(9, 10);
  same("an event that the snapshot has", meeting.state.queue.length, 0);
  event(10, 11);
  same("the next event", [meeting.state.rev, meeting.state.queue.length, asked], [11, 1, 0]);
  event(12, 13);
  same("a gap changes nothing by itself", meeting.state.rev, 11);
  await new Promise((done) => setTimeout(done));
  same("but asks for the state", [meeting.state.rev, asked], [20, 1]);
  same("what to come back with", [meeting.revOf("session-1"), meeting.revOf("session-2")], [20, null]);
  event(20, 21);
  meeting.confirm(21);
  same("all missed events have come", asked, 1);
  meeting.confirm(22);
  same("one has not", asked, 2);

  // Tiles and the buttons that turn the page stay inside and do not lie on one another; each small tile
  // has its place on one page.
  for (const [width, height] of [[900, 620], [374, 360], [1600, 900], [480, 270]]) {
    for (let large = 0; large <= 4; large += 1) {
      for (const small of [0, 1, 2, 3, 5, 8, 13, 49]) {
        const name = `${large}+${small} in ${width}x${height}`;
        const places = (page) => arrange({ width, height, large, small, gap: 8, page, most: 9 - large });
        const { pages } = places(0);
        let placed = 0;
        for (let page = 0; page < pages; page += 1) {
          const now = places(page);
          const turns = now.turns ? [now.turns.back, now.turns.on] : [];
          const tiles = [...now.large, ...now.small, ...turns];
          same(`${name}: in order`, [now.page, now.first], [page, placed]);
          same(`${name}: the large ones`, now.large, places(0).large);
          same(`${name}: turned where there is more`, turns.length > 0, pages > 1);
          placed += now.small.length;
          const inside = tiles.every((tile) => tile.left >= -1 && tile.top >= -1 && tile.width > 30
            && tile.left + tile.width <= width + 1 && tile.top + tile.height <= height + 1);
          same(`${name}: inside`, inside, true);
          const apart = tiles.every((a, index) => tiles.slice(index + 1).every((b) =>
            a.left + a.width <= b.left || b.left + b.width <= a.left
            || a.top + a.height <= b.top || b.top + b.height <= a.top));
          same(`${name}: apart`, apart, true);
        }
        same(`${name}: a place each`, placed, small);
        same(`${name}: no page after the last`, places(pages + 3).page, pages - 1);
      }
    }
  }

  // How long a hand waits: the speaker's rest, and a whole turn for each hand before it.
  const waitOf = (...more) => expectedWaitMs(after(granted, started,
    ...["malaysia-1", "russia-1"].flatMap((id) => [joined(id), { ...requested, member: id }]), ...more), "russia-1", 13_000);
  same("a wait", waitOf(), 50_000 + 60_000);
  same("with two microphones", waitOf(of("session.configured", { microphones: 2 })), 50_000);
  same("past one who is lost", waitOf({ type: "member.lost", member: "malaysia-1" }), 50_000);
  same("nobody tells", waitOf(of("session.configured", { mode: "operator" })), null);
  same("no hand", expectedWaitMs(after(), me, 5000), null);

  // What is said of the own connection.
  const line = { lost: false, roundTripMs: 40, lossIn: 0, lossOut: 0, standing: 0, busy: false, sendsCamera: true, receivesPictures: true };
  const judged = (fields) => {
    const { level, advice } = judge({ ...line, ...fields });
    return [level, ...advice].join(" ");
  };
  same("a good line", judged({}), "good");
  same("an unknown one", judged({ roundTripMs: null, lossIn: null, lossOut: null }), "good");
  same("a fair one", ["lossIn", "lossOut"].map((key) => judged({ [key]: 0.05 })), ["fair router", "fair router"]);
  same("pictures stand", judged({ standing: 1 }), "fair router");
  same("a poor one", judged({ lossOut: 0.1 }), "poor camera pictures router");
  same("a far one", judged({ roundTripMs: 800, sendsCamera: false }), "poor pictures router");
  same("without pictures", judged({ lossIn: 0.2, sendsCamera: false, receivesPictures: false }), "poor router");
  same("one voice alone", judged({ lossIn: 0.2, alone: true }), "fair router");
  same("a lost one", judged({ lost: true }), "lost router");
  same("a busy computer", judged({ busy: true }), "good computer");
  // Each way is tried alone.
  const candidate = (protocol, address, end) => `a=candidate:1 1 ${protocol} 1 ${address} ${end}`;
  const description = (...lines) => ["v=0", ...lines, "a=end"].join("\r\n");
  const udp = candidate("udp", "127.0.0.1", "7882 typ host");
  const outside = candidate("UDP", "203.0.113.5", "7883 typ host");
  const tcp = candidate("tcp", "203.0.113.5", "7884 typ host tcptype passive");
  const relayed = candidate("udp", "198.51.100.1", "5000 typ relay raddr 0.0.0.0 rport 0");
  const all = description(udp, outside, tcp, relayed);
  same("by UDP alone", onlyBy(["udp"], all), description(udp, outside));
  same("by TCP alone", onlyBy(["tcp"], all), description(tcp));
  same("over a relay alone", onlyBy(["relay"], all), description(relayed));
  same("by none", onlyBy([], all), description());
  same("where others reach the server", doorsOf(description(udp, outside, tcp)),
    { address: "203.0.113.5", udp: 7883, tcp: 7884 });
  same("where only this machine does", doorsOf(description(udp)), { address: "127.0.0.1", udp: 7882, tcp: null });
  const agents = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "curl/8",
  ];
  same("browsers", agents.map(browserName),
    ["Edge 156, Windows", "Firefox 153, Linux", "Safari 18, iPhone", "another browser"]);

  // Whether the floor can be given, as the server decides it.
  const place = (kind, microphones, ...kinds) =>
    whyNoPlace({ profile: { microphones }, turns: kinds.map((each) => ({ kind: each })) }, kind);
  same("a place for a speech", [place("speech", 1), place("speech", 1, "speech"), place("speech", 2, "speech")], [null, null, null]);
  same("which of several is to stop", [place("speech", 2, "speech", "speech"), place("speech", 1, "speech", "speech")], ["taken", "taken"]);
  same("what goes before it", ["response", "point_of_order"].map((kind) => place("speech", 2, "speech", kind)), ["heard", "heard"]);
  same("a reply", [place("response", 1, "speech", "response"), place("response", 1, "point_of_order")], [null, "heard"]);
  same("a point", place("point_of_information", 1, "speech", "response", "point_of_order"), null);

  same("clocks", [clock(0), clock(61_000), clock(3_725_000)], ["0:00", "1:01", "1:02:05"]);
  same("time left", [59_001, 10_000, 0, -1500].map((left) => Object.values(timeLeft(left, 10_000)).join(" ")),
    ["1:00 good", "0:10 warned", "0:00 warned", "+0:01 over"]);
  const ten = Date.parse("2020-11-19T03:00:05Z");
  same("times of a zone", [timeInBoth(ten, "Asia/Jakarta", "en-GB").slice(0, 5), timeToTheSecond(ten, "Asia/Jakarta", "en-GB")],
    ["10:00", "10:00:05"]);
  same("initials", ["Dr. Sari Wijaya", "Chair", ""].map(initials), ["SW", "C", "?"]);
  return wrong;
};
