// What every screen must be for everybody: no serious finding of axe-core's, no text that is cut off or
// lies on another. `access.audit(within)` and `access.layout()` look at the page as it stands, in each
// language, which is changed in place; they give the list of what is wrong.
window.access = (() => {
  /** Parts of a pixel are nobody's loss. */
  const NEAR = 1.5;
  /** What lies over the rest on purpose: it is looked at by itself. */
  const LAYERS = "dialog, .banners, .notices, .tile";
  /** May end in dots: a name over a picture stands in full in the list of people, the event's at the door. */
  const MAY_END = ".tile-label, .flag, .event-name";
  /** Letters that stand for a picture. */
  const DRAWN = ".avatar";

  /** What was changed is on the screen. A page that nobody looks at draws without frames. */
  const drawn = () => Promise.race([
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    new Promise((done) => setTimeout(done, document.hidden ? 50 : 1500)),
  ]);

  async function inEachLanguage(look) {
    const { languages, chooseLanguage } = await import("/assets/texts.js");
    const found = [];
    for (const { code } of languages) {
      chooseLanguage(code);
      await drawn();
      found.push(...(await look(code)).map((what) => `${code}: ${what}`));
    }
    return found;
  }

  const top = () => [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;

  // --- axe-core ---

  async function findings(within) {
    const context = within ? [...document.querySelectorAll(within)] : top();
    const { violations } = await axe.run(context, { resultTypes: ["violations"] });
    return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).flatMap(({ id, nodes }) =>
      nodes.map(({ target, any, html }) => `${id}: ${target.join(" ")}: ${any[0]?.message ?? ""} ${html.slice(0, 160)}`));
  }

  // --- Boxes ---

  /** Each visible piece of text with the boxes of its lines. */
  function pieces(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) => (
      /\S/.test(node.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT));
    const found = [];
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest("option, script, noscript")) continue;
      if (ancestors(element).some((each) => getComputedStyle(each).clipPath !== "none")) continue;
      const range = document.createRange();
      range.selectNodeContents(walker.currentNode);
      const lines = [...range.getClientRects()].filter(({ width, height }) => width > 1 && height > 1);
      if (lines.length) found.push({ element, text: walker.currentNode.data.trim().slice(0, 60), lines, size: parseFloat(getComputedStyle(element).fontSize) });
    }
    return found;
  }

  function ancestors(element) {
    const all = [];
    for (let each = element; each; each = each.parentElement) all.push(each);
    return all;
  }

  const nameOf = (element) => {
    const marked = element.closest("[data-testid]");
    return `${marked ? `[${marked.dataset.testid}] ` : ""}${element.tagName.toLowerCase()}.${element.className}`;
  };

  /** Where a piece can be seen without being scrolled to; `cut`: by what it can never be seen whole. */
  function sight({ element, lines, size }) {
    const text = {
      left: Math.min(...lines.map(({ left }) => left)), right: Math.max(...lines.map(({ right }) => right)),
      // A line's box is higher than its letters.
      top: Math.min(...lines.map(({ top: edge }) => edge)) + size / 4, bottom: Math.max(...lines.map(({ bottom }) => bottom)) - size / 4,
    };
    const seen = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const reached = { x: false, y: false };
    let cut = null;
    for (const each of ancestors(element)) {
      const { overflowX, overflowY, position } = getComputedStyle(each);
      const inside = each.getBoundingClientRect();
      const box = { left: inside.left + each.clientLeft, top: inside.top + each.clientTop };
      box.right = box.left + each.clientWidth;
      box.bottom = box.top + each.clientHeight;
      const plain = each === document.body || each === document.documentElement || overflowX === "visible";
      if (!plain && !["inline", "contents"].includes(getComputedStyle(each).display)) {
        if (!reached.x && (text.left < box.left - NEAR || text.right > box.right + NEAR)) cut ??= `aside by ${nameOf(each)}`;
        if (["hidden", "clip"].includes(overflowY)) {
          if (!reached.y && (text.top < box.top - NEAR || text.bottom > box.bottom + NEAR)) cut ??= `by the height of ${nameOf(each)}`;
        } else reached.y = true;
        for (const edge of ["left", "top"]) seen[edge] = Math.max(seen[edge], box[edge]);
        for (const edge of ["right", "bottom"]) seen[edge] = Math.min(seen[edge], box[edge]);
      }
      if (position === "fixed") {
        if (!reached.y && (text.top < -NEAR || text.bottom > innerHeight + NEAR)) cut ??= "by the window's height";
        reached.y = true;
        break;
      }
    }
    if (text.left < -NEAR || text.right > innerWidth + NEAR) cut ??= "by the window's width";
    if (!reached.y && getComputedStyle(document.body).overflowY === "hidden" && text.bottom > innerHeight + NEAR) cut ??= "by the window's height";
    return { cut, seen };
  }

  function boxes() {
    const root = top();
    const wrong = [];
    if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
    const all = pieces(root).map((piece) => ({ ...piece, ...sight(piece) }));
    for (const { element, text, cut } of all) {
      if (cut && !element.closest(MAY_END)) wrong.push(`“${text}” in ${nameOf(element)} is cut off ${cut}`);
    }
    const lines = all.flatMap((piece) => piece.lines.map((line) => ({
      piece,
      left: Math.max(line.left, piece.seen.left), right: Math.min(line.right, piece.seen.right),
      // Lines may stand close; their letters do not touch.
      top: Math.max(line.top + piece.size / 4, piece.seen.top), bottom: Math.min(line.bottom - piece.size / 4, piece.seen.bottom),
    }))).filter(({ left, right, top: from, bottom }) => right - left > 2 && bottom - from > 2);
    lines.forEach((one, index) => lines.slice(index + 1).forEach((other) => {
      if (one.piece === other.piece || one.piece.element.closest(DRAWN) || other.piece.element.closest(DRAWN) || layerOf(one.piece.element) !== layerOf(other.piece.element)) return;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > 2 && high > 2) wrong.push(`“${one.piece.text}” in ${nameOf(one.piece.element)} lies on “${other.piece.text}” in ${nameOf(other.piece.element)}`);
    }));
    return [...new Set(wrong)];
  }

  /** The layer that an element is in: what stays when the rest is scrolled is one by itself. */
  const layerOf = (element) => ancestors(element).find((each) =>
    each.matches(LAYERS) || ["fixed", "sticky"].includes(getComputedStyle(each).position)) ?? null;

  // --- Words ---

  /** Words of another language than the chosen one: a text that was not asked anew. */
  async function leftovers(code) {
    const { texts, languages } = await import("/assets/texts.js");
    const { english } = await import("/assets/texts-en.js");
    const { russian } = await import("/assets/texts-ru.js");
    const { indonesian } = await import("/assets/texts-id.js");
    const own = new Set(languages.map(({ name }) => name));
    const others = new Set();
    const gather = (from, into) => Object.values(from).forEach((text) => {
      if (typeof text === "string" && /\p{L}{2}/u.test(text)) into.add(text);
      else if (text && typeof text === "object") gather(text, into);
    });
    gather(texts, own);
    for (const each of [english, russian, indonesian]) if (each !== texts) gather(each, others);
    // What is hidden may be drawn when it is shown.
    const all = [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility()).flatMap((element) => [
      ...[...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ data }) => data.trim()),
      element.getAttribute("aria-label"), element.getAttribute("placeholder"), element.getAttribute("title"),
    ].filter((text) => others.has(text) && !own.has(text)).map((text) => `“${text}” in ${nameOf(element)} is of another language`));
    return [...new Set(all), ...(document.documentElement.lang === code ? [] : ["the page's language is not told"])];
  }

  // --- A full room ---

  /**
   * Shows a room in which everything is, as a snapshot would: speakers, hands of all kinds, messages,
   * recommendations, somebody lost, somebody in the lobby. `own` is this member's mute, or `speaking`.
   */
  async function fill(me, own = "none") {
    const speaks = own === "speaking";
    const mute = speaks ? "none" : own;
    const { snapshot } = await roundtable.protocol.request("session.snapshot");
    const now = snapshot.at;
    const chair = snapshot.members.some(({ id, role }) => id === me && role === "chair");
    const people = [
      ["indonesia-1", "Dr. Sari Wijaya"], ["malaysia-1", "Prof. Emeritus Dato’ Dr. Ahmad bin Ismail"],
      ["russia-1", "Екатерина Валерьевна Колдунова"], ["vietnam-1", "Nguyễn Thị Minh Phương"],
      ["thailand-1", "Dr. Somchai Wattanapanich"], ["philippines-1", "Maria Cristina Santos-Villanueva"],
    ].filter(([id]) => !snapshot.members.some((member) => member.id === id))
      .map(([id, name]) => ({ id, name, role: "delegate", delegation: id.split("-")[0], mute: "none" }));
    const members = [...snapshot.members.map((member) => (member.id === me ? { ...member, mute } : member)), ...people];
    const [speaker, lost, muted, ...waiting] = people.map(({ id }) => id);
    members.find(({ id }) => id === lost).lost = true;
    members.find(({ id }) => id === muted).mute = "muted";
    const turn = (number, member, fields) => ({
      turn: number, member, phase: "speaking", granted_at: now, limit_ms: 300_000, spent_ms: 241_000, running: true, started: true, ...fields,
    });
    roundtable.meeting.reset({
      ...snapshot,
      session: { ...snapshot.session, state: "live", locked: true, awaited: chair ? { item: snapshot.session.items?.at(-1)?.id } : undefined },
      profile: { ...snapshot.profile, microphones: 2, budget_ms: 1_200_000 },
      floor: { ...snapshot.floor, last_turn: 2, queue_closed: true },
      members,
      queue: [
        { member: waiting[0], since: now, kind: "point_of_order", why: "point" },
        { member: lost, since: now, kind: "response", why: "response" },
        ...(chair || speaks ? [] : [{ member: me, since: now, why: "least_spoken" }]),
        { member: waiting[1] ?? muted, since: now, why: "pinned" }],
      turns: [turn(1, speaks ? me : speaker, {}), turn(2, muted, { spent_ms: 310_000, running: false, held: true })],
      spoken: people.map(({ id, delegation }, index) => ({ member: id, delegation, ms: 61_000 * (index + 1) })),
      chat: [
        { at: now - 60_000, member: speaker, to: "everybody", text: "The draft of the second recommendation is in the shared folder." },
        { at: now - 1000, member: lost, to: "chairs", text: "Mohon izin, koneksi saya kurang baik." }],
      notices: [{ at: now - 2000, by: speaker, text: "The coffee break begins at half past ten; please be back in your seats at eleven." }],
      notes: [{ at: now - 3000, by: speaker, text: "Reservation of one delegation on paragraph three." }],
      recommendations: [
        { number: 1, proposer: me, text: "A joint exercise of disaster-management agencies in each year.", supporters: [], status: "proposed", signed: [] },
        { number: 2, proposer: speaker, text: "A permanent working group of think-tanks.", supporters: [lost, muted], status: "agreed", signed: ["csis"] }],
      ...(chair ? {
        lobby: [{ member: "singapore-1", name: "Dr. Tan Wei Ling", role: "delegate", delegation: "singapore", since: now }],
        banned: ["brunei-1"],
      } : {}),
    });
    await drawn();
  }

  return {
    audit: (within) => inEachLanguage(() => findings(within)),
    layout: () => inEachLanguage(async (code) => [...boxes(), ...await leftovers(code)]),
    fill,
  };
})();
