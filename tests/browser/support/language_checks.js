// What the page's texts must be: the same in each language, and nowhere but in the files of texts.
// `languageChecks(load, read, protocol)` gives the list of what was wrong; `load` imports a module of the
// page's, `read` gives its source; `protocol` is the protocol's page, whose words are keys of texts.
window.languageChecks = async (load, read, protocol) => {
  const wrong = [];
  const same = (what, got, wanted) => {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) wrong.push(`${what}: ${is} instead of ${should}`);
  };

  // --- Each language says all that English does ---

  /** What a text is, beside its words: a function takes as many things as the English one. */
  const kindOf = (value) => (typeof value === "function" ? `function of ${value.length}`
    : Array.isArray(value) ? "list" : typeof value);
  const differences = (english, other, path = []) => {
    const at = path.join(".");
    // The server's words are English: only English repeats them.
    const refusal = path[0] === "refusals" && typeof english === "function" && typeof other === "function";
    if (kindOf(english) !== kindOf(other) && !refusal) return [`${at}: ${kindOf(other)} instead of ${kindOf(english)}`];
    if (typeof english === "string" && (english === "") !== (other.trim() === "")) return [`${at}: empty`];
    if (typeof english === "function") return said(english, other, at);
    if (typeof english !== "object") return [];
    return [
      ...Object.keys(other).filter((key) => !(key in english)).map((key) => `${at}.${key}: only here`),
      ...Object.keys(english).flatMap((key) => (key in other
        ? differences(english[key], other[key], [...path, key]) : [`${at}.${key}: missing`])),
    ];
  };
  /** What a function says of small numbers, which may stand for names, where the English one says something. */
  const said = (english, other, at) => ["0", "1", "3"].flatMap((sample) => {
    const [known, words] = [english, other].map((text) => [text(...Array(english.length).fill(sample))].flat());
    const sound = (each) => typeof each === "string" && each !== "" && !/undefined|NaN|object/.test(each);
    return !known.every(sound) || words.every(sound) ? [] : [`${at} of ${sample}: ${JSON.stringify(words)}`];
  });
  /** Longer texts that are word for word the English ones have been forgotten. */
  const untold = (english, other, path = []) => (typeof english === "object"
    ? Object.keys(english).flatMap((key) => untold(english[key], other?.[key], [...path, key]))
    : typeof english === "string" && english.length > 8 && english === other && path[0] !== "product"
      ? [`${path.join(".")}: English`] : []);

  const { english } = await load("texts-en.js");
  const { indonesian } = await load("texts-id.js");
  const { russian } = await load("texts-ru.js");
  same("English", differences(english, english), []);
  for (const [name, texts] of Object.entries({ indonesian, russian })) {
    same(name, differences(english, texts), []);
    same(`${name}, forgotten`, untold(english, texts), []);
  }
  const sample = { a: "A", b: (one) => `${one}`, c: ["x"], d: { e: "A long text" } };
  const flawed = { a: "", b: () => "", c: "x", d: { e: "A long text", f: "F" } };
  same("flaws are found", differences(sample, flawed), [
    "a: empty", "b: function of 0 instead of function of 1", "c: string instead of list", "d.f: only here"]);
  same("and what is missing", differences(sample, { ...sample, a: undefined, d: {} }),
    ["a: undefined instead of string", "d.e: missing"]);
  same("and what is not translated", untold(sample, flawed), ["d.e: English"]);

  same("Russian plurals", [1, 2, 5, 11, 21].map((minutes) => russian.check.length(minutes)),
    ["1 минута", "2 минуты", "5 минут", "11 минут", "21 минута"]);

  // --- A language is chosen by what a person's browser says ---

  const { fitting, refusalText } = await load("texts.js");
  const { Refusal } = await load("protocol.js");
  same("the first that there is", fitting(["ja", "ru-RU", "en"]), "ru");
  same("an old code", fitting(["in-ID"]), "id");
  same("none", [fitting(["ja", "!", "constructor"]), fitting([])], [null, null]);
  same("a refusal of an unknown code", refusalText(new Refusal("new", "As said.")), "As said.");

  // --- No text stands in the code ---

  const withoutComments = (source) => source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  const QUOTED = "(['\"`])(?:(?!\\1)[^\\\\\\n]|\\\\.)*?";
  const FORBIDDEN = [
    // Where a text is put: what is quoted there has a word.
    `(?:\\btext|\\btitle|\\balt|placeholder|'aria-label'|\\baccept|\\bcancel): ${QUOTED}\\p{L}{2}`,
    `\\b(?:button|notice|announce|tell)\\(${QUOTED}\\p{L}{2}`,
    `\\b(?:setText|setButtonText)\\([^()'"\`]*, ${QUOTED}\\p{L}{2}`,
    `setAttribute\\([^()]*'aria-label', ${QUOTED}\\p{L}{2}`,
    // Anywhere: a sentence, or the beginning of one.
    "(['\"`])\\p{Lu}[\\p{L}’]* [\\p{L}“«]",
  ].map((pattern) => new RegExp(pattern, "gu"));
  // A text that is put once follows the language by being a function.
  const EAGER = /\bbutton\(texts\.|(?:\btext|\btitle|placeholder|'aria-label'|\baccept|\bcancel): texts\./g;
  const eager = (source) => withoutComments(source).match(EAGER) ?? [];
  same("an eager text is found", [eager("el('p', { text: texts.you })"), eager("button(() => texts.you)")].map(({ length }) => length), [1, 0]);
  const literals = (source) => {
    // What is put into a template is code.
    const code = withoutComments(source).replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "");
    return FORBIDDEN.flatMap((pattern) => code.match(pattern) ?? []);
  };
  for (const bad of ["el('p', { text: 'Hello' })", "button('Next', {})", "setText(this.word, `${count} hands`)",
    "setAttribute(row, 'aria-label', \"Who\")", "const x = 'Press “Next” now';", "ui.notice('Done')"]) {
    same(`a text in ${bad}`, literals(bad).length > 0, true);
  }
  for (const good of ["el('p', { class: 'card', text: texts.you })", "// 'This is said'", "setText(a, `${x} · ${y}`)",
    "case 'ArrowRight':", "setAttribute(tab, 'aria-label', texts.of('floor', name))", "new Set(['Enter'])"]) {
    same(`no text in ${good}`, literals(good), []);
  }

  const seen = new Map();
  const walk = async (name) => {
    if (seen.has(name)) return;
    seen.set(name, await read(name));
    for (const [, imported] of seen.get(name).matchAll(/from '\.\/([\w-]+\.js)'/g)) await walk(imported);
  };
  await walk("main.js");
  same("all of the page is read", [seen.size > 30, [...seen.keys()].filter((name) => name.startsWith("ui-")).length > 15], [true, true]);
  for (const [name, source] of seen) {
    if (name === "ui.js" || name === "main.js" || name.startsWith("ui-")) {
      same(`texts in ${name}`, literals(source), []);
      same(`texts of ${name} that stay in one language`, eager(source), []);
    }
  }

  // --- No text is for nobody ---

  /** Texts that `code` reads neither by name nor, out of a group, by a key that it or the protocol has. */
  const unread = (group, code, words, path = ["texts"]) => Object.keys(group).flatMap((key) => {
    const from = `\\b${path.at(-1)}`;
    const named = new RegExp(`${from}(\\[\\w+\\])?\\.${key}\\b|\\{[^{}=]*\\b${key}\\b[^{}=]*\\} = [^;]*${from}\\b`);
    const counted = new RegExp(`${from}\\??\\.?\\[|Object\\.\\w+\\([^()]*${from}\\)`);
    const text = group[key];
    if (named.test(code)) {
      return typeof text === "object" && !Array.isArray(text) ? unread(text, code, words, [...path, key]) : [];
    }
    return counted.test(code) && new RegExp(`\\b${key}\\b`).test(code + words) ? [] : [[...path, key].join(".")];
  });
  same("what is for nobody is found", unread({ a: "", b: "", c: { d: "", e: "" }, f: { g: "", h: "", i: "" } },
    "texts.a; const { d } = texts.c; texts.f[kind];", "g", ["texts"]), ["texts.b", "texts.c.e", "texts.f.h", "texts.f.i"]);
  const isTexts = (name) => ["texts-en.js", "texts-id.js", "texts-ru.js"].includes(name);
  const code = [...seen].filter(([name]) => !isTexts(name)).map(([, source]) => withoutComments(source)).join("\n");
  // The first is read of every language, the others where an ending is of no known code.
  same("texts for nobody", unread(english, code, protocol), ["texts.ownName", "texts.endings.refused.next", "texts.endings.refused.again"]);
  return wrong;
};
