// What the page's own modules must do, tried without the page: the room's state as a fold over
// events, the missing event, the clock, and where tiles stand. `pageChecks(import)` gives the list
// of what was wrong.
window.pageChecks = async (load) => {
  const { Meeting, fold, fromSnapshot, isHeard, nextInLine, spentMs, standing } = await load("meeting.js");
  const { Protocol, Unreachable } = await load("protocol.js");
  const { returnPause } = await load("visit.js");
  const { arrange } = await load("arrange.js");
  const { clock, initials } = await load("format.js");
  const wrong = [];
  const same = (what, got, wanted) => {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) wrong.push(`${what}: ${is} instead of ${should}`);
  };

  const snapshot = (rev) => ({
    rev, at: 1000,
    session: { id: "session-1", title: "One", state: "live", start: 0, minutes: 120 },
    floor: { mode: "request", microphones: 1, last_turn: 3, turn_ms: 60000, warning_ms: 10000 },
    members: ["chair", "delegate"].map((role) => (
      { id: `${role}-1`, name: role, role, delegation: "csis", mute: "none" })),
    queue: [], turns: [],
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
    turns: [{ turn: 4, member: me, phase: "speaking", granted_at: 0, limit_ms: 60000, spent_ms: 700, running: false }],
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

  // Tiles stay inside, keep their shape, and do not lie on one another.
  for (const [width, height] of [[900, 620], [374, 360], [1600, 900]]) {
    for (let large = 0; large <= 4; large += 1) {
      for (let small = 0; small <= 10; small += 1) {
        const places = arrange({ width, height, large, small, gap: 8 });
        const tiles = [...places.large, ...places.small];
        const name = `${large}+${small} in ${width}x${height}`;
        same(`${name}: a place each`, tiles.length, large + small);
        const inside = tiles.every((tile) => tile.left >= -1 && tile.top >= -1 && tile.width > 30
          && tile.left + tile.width <= width + 1 && tile.top + tile.height <= height + 1);
        same(`${name}: inside`, inside, true);
        const apart = tiles.every((a, index) => tiles.slice(index + 1).every((b) =>
          a.left + a.width <= b.left || b.left + b.width <= a.left
          || a.top + a.height <= b.top || b.top + b.height <= a.top));
        same(`${name}: apart`, apart, true);
      }
    }
  }

  same("clocks", [clock(0), clock(61_000), clock(3_725_000)], ["0:00", "1:01", "1:02:05"]);
  same("initials", ["Dr. Sari Wijaya", "Chair", ""].map(initials), ["SW", "C", "?"]);
  return wrong;
};
