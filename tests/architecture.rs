//! Keeps the promises of the map in `src/lib.rs`: which module may import which, and that clocks,
//! sockets, threads and `async` live only in files whose first line says SHELL. The tables below are
//! the rules; everything under them reads sources with `syn` and compares. Knows nothing of taste.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

/// What a part of the program may import besides itself. The most exact row counts: `media::shard`
/// has its own, whatever `media` says. An entry allows a module and all below it; with `=` before
/// it, that one file only; `*` allows everything.
const DIRECTIONS: &[(&str, &str)] = &[
    ("ids", ""),
    ("time", ""),
    ("telemetry", ""),
    ("meeting", "ids time"),
    ("media::shard", "ids time =media"),
    ("media::worker", "ids time =media media::shard"),
    ("media", "ids time media::shard"),
    // A role is the roster's word; a programme is made of seats and session plans.
    ("auth", "ids time meeting::roster"),
    ("programme", "ids time meeting"),
    ("store", "ids time meeting programme auth"),
    ("room", "ids time meeting programme media auth store"),
    (
        "signalling",
        "ids time meeting programme media auth store room",
    ),
    (
        "http",
        "ids time meeting programme media auth store room signalling",
    ),
    // The load test uses the server as a stranger does: over the wire.
    ("loadtest", "ids time meeting programme signalling::wire"),
    // Assembles the settings that each module owns.
    (
        "config",
        "ids time meeting programme media auth store room signalling http telemetry",
    ),
    ("clock", "time"),
    // The composition root, and `main`'s hands.
    ("serve", "*"),
    ("cli", "*"),
    ("main", "*"),
    // The crate's root declares the modules and uses none.
    ("lib", ""),
];

/// What only a file marked SHELL may name, as the beginning of a full path or, after `…`, its end.
const SHELL_ONLY: &[&str] = &[
    "…Instant::now",
    "…SystemTime::now",
    "…Utc::now",
    "…Timestamp::now",
    "…Zoned::now",
    "tokio",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::os::unix::net",
    "std::thread",
    "std::process::Command",
    "rand::random",
    "rand::rng",
    "rand::thread_rng",
];

/// What a file's `#[cfg(test)]` modules may name all the same: a test may need a real clock.
const TESTS_MAY: &[&str] = &["…Instant::now", "…SystemTime::now", "std::thread"];

/// Modules that may never become a shell, with all below them: the cores.
const NEVER_SHELL: &[&str] = &["ids", "time", "meeting", "media::shard", "programme"];

#[test]
fn imports_follow_the_table_and_only_shells_touch_the_world() {
    let sources = sources_of_the_crate();
    assert!(sources.len() > 5, "found only {} sources", sources.len());
    let breaches = breaches(&sources);
    assert!(
        breaches.is_empty(),
        "{} breaches of the architecture:\n{}",
        breaches.len(),
        breaches
            .iter()
            .map(|breach| format!("  {breach}\n"))
            .collect::<String>()
    );
}

// ---- reading -----------------------------------------------------------------------------------

/// One source file.
struct Source {
    /// Below `src`.
    file: String,
    text: String,
}

struct Breach {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "src/{}:{}: {}", self.file, self.line, self.what)
    }
}

fn sources_of_the_crate() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(&root).expect("below src");
                sources.push(Source {
                    file: file.to_str().expect("a UTF-8 path").replace('\\', "/"),
                    text: fs::read_to_string(&path).expect("a readable source"),
                });
            }
        }
    }
    sources.sort_by(|a, b| a.file.cmp(&b.file));
    sources
}

/// `media/shard/mod.rs` is `media::shard`.
fn module_of(file: &str) -> String {
    let path = file.trim_end_matches(".rs").replace('/', "::");
    path.strip_suffix("::mod").unwrap_or(&path).to_owned()
}

/// Whether `path` is `root` or below it.
fn below(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn breaches(sources: &[Source]) -> Vec<Breach> {
    let modules: BTreeSet<String> = sources.iter().map(|s| module_of(&s.file)).collect();
    let mut breaches = Vec::new();
    for source in sources {
        let module = module_of(&source.file);
        let mut found = |line, what: String| {
            breaches.push(Breach {
                file: source.file.clone(),
                line,
                what,
            });
        };
        let syntax = match syn::parse_file(&source.text) {
            Ok(syntax) => syntax,
            Err(error) => {
                found(
                    error.span().start().line,
                    format!("does not parse: {error}"),
                );
                continue;
            }
        };
        let shell = says_shell(&source.text);
        if shell && NEVER_SHELL.iter().any(|core| below(&module, core)) {
            found(1, "a core may not be a SHELL".to_owned());
        }
        let Some((part, allowed)) = row_of(&module) else {
            found(
                1,
                format!("`{module}` has no row in the table of directions"),
            );
            continue;
        };
        let mut mentions = Mentions::new(&module, &modules);
        mentions.visit_file(&syntax);
        for mention in mentions.all {
            if let Some(target) = mention.module_in(&modules) {
                let may = row_of(target).is_some_and(|(its_part, _)| its_part == part)
                    || allowed.split(' ').any(|entry| allows(entry, target));
                if !may {
                    found(
                        mention.line,
                        format!("`{module}` may not import `{target}`"),
                    );
                }
            } else if !shell && mention.is_for_shells() {
                found(
                    mention.line,
                    format!("`{}` belongs in a file marked SHELL", mention.path),
                );
            }
        }
    }
    breaches
}

/// The most exact row for a module.
fn row_of(module: &str) -> Option<(&'static str, &'static str)> {
    DIRECTIONS
        .iter()
        .filter(|(part, _)| below(module, part))
        .max_by_key(|(part, _)| part.len())
        .copied()
}

fn allows(entry: &str, target: &str) -> bool {
    match entry.strip_prefix('=') {
        Some(file) => target == file,
        None => entry == "*" || below(target, entry),
    }
}

/// The first line of a shell's documentation says so.
fn says_shell(text: &str) -> bool {
    text.lines()
        .next()
        .is_some_and(|line| line.starts_with("//!") && line.contains("SHELL"))
}

// ---- what a file names ---------------------------------------------------------------------------

/// A path that a file names, in full: `crate::` or the outer crate's name first.
struct Mention {
    path: String,
    line: usize,
    in_test: bool,
}

impl Mention {
    /// The module of this crate that the path leads into, if it is one of this crate's.
    fn module_in<'m>(&self, modules: &'m BTreeSet<String>) -> Option<&'m str> {
        let path = self.path.strip_prefix("crate::")?;
        modules
            .iter()
            .filter(|module| below(path, module))
            .max_by_key(|module| module.len())
            .map(String::as_str)
    }

    fn is_for_shells(&self) -> bool {
        let is = |rule: &&str| match rule.strip_prefix('…') {
            Some(end) => self.path == end || self.path.ends_with(&format!("::{end}")),
            None => below(&self.path, rule),
        };
        let exempt = self.in_test && TESTS_MAY.iter().any(is);
        (SHELL_ONLY.iter().any(is) && !exempt) || (self.path.starts_with("async") && !self.in_test)
    }
}

/// Collects every path of a file: imports, expressions, types, and what macros are given.
struct Mentions<'a> {
    modules: &'a BTreeSet<String>,
    /// The file's own module, then the inline modules around the present place.
    here: Vec<String>,
    /// What the file's imports call things.
    names: BTreeMap<String, String>,
    tests: u32,
    all: Vec<Mention>,
}

impl<'a> Mentions<'a> {
    fn new(module: &str, modules: &'a BTreeSet<String>) -> Self {
        let here = match module {
            "lib" | "main" => Vec::new(),
            inner => inner.split("::").map(str::to_owned).collect(),
        };
        Self {
            modules,
            here,
            names: BTreeMap::new(),
            tests: 0,
            all: Vec::new(),
        }
    }

    fn mention(&mut self, segments: &[String], line: usize) {
        let path = self.in_full(segments);
        self.all.push(Mention {
            path,
            line,
            in_test: self.tests > 0,
        });
    }

    fn in_full(&self, segments: &[String]) -> String {
        let Some((first, rest)) = segments.split_first() else {
            return String::new();
        };
        let mut full: Vec<String> = vec!["crate".to_owned()];
        match first.as_str() {
            "crate" | "roundtable" => {}
            "self" | "super" => {
                full.extend(self.here.iter().cloned());
                let climbs = segments.iter().filter(|s| *s == "super").count();
                full.truncate(full.len().saturating_sub(climbs).max(1));
                full.extend(rest.iter().filter(|s| *s != "super").cloned());
                return full.join("::");
            }
            name => {
                let child = self
                    .here
                    .iter()
                    .cloned()
                    .chain([name.to_owned()])
                    .collect::<Vec<_>>()
                    .join("::");
                if let Some(known) = self.names.get(name) {
                    full = vec![known.clone()];
                } else if self.modules.contains(&child) {
                    full.push(child);
                } else {
                    full = vec![name.to_owned()];
                }
            }
        }
        full.extend(rest.iter().cloned());
        full.join("::")
    }

    fn import(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import_name(tree, before, &name, None);
            }
            UseTree::Rename(rename) => {
                let alias = rename.rename.to_string();
                self.import_name(tree, before, &rename.ident.to_string(), Some(alias));
            }
            UseTree::Glob(_) => self.mention(before, tree.span().start().line),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
            }
        }
    }

    /// `before::name`, called `alias` or by its last segment from here on.
    fn import_name(&mut self, at: &UseTree, before: &[String], name: &str, alias: Option<String>) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        self.mention(&path, at.span().start().line);
        let alias = alias.or_else(|| path.last().cloned()).unwrap_or_default();
        let full = self.in_full(&path);
        self.names.insert(alias, full);
    }

    /// Paths in what a macro is given, which syn leaves as tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.flush(&mut path, line);
                    }
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.flush(&mut path, line);
                    colons = 0;
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.flush(&mut path, line);
                    colons = 0;
                }
            }
        }
        self.flush(&mut path, line);
    }

    fn flush(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.mention(path, line);
        }
        if let Some(word) = path
            .iter()
            .find(|word| *word == "async" || *word == "await")
        {
            self.mention(&[format!("async ({word})")], line);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &mut Vec::new());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|path| path.is_ident("test"))
        });
        if item.content.is_some() {
            let names = self.names.clone();
            self.here.push(item.ident.to_string());
            self.tests += u32::from(test);
            visit::visit_item_mod(self, item);
            self.tests -= u32::from(test);
            self.here.pop();
            self.names = names;
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        // A single word is a local name, or was mentioned where it was imported.
        if path.segments.len() > 1 {
            let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.mention(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.visit_path(&invocation.path);
        self.tokens(invocation.tokens.clone());
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = &signature.asyncness {
            self.mention(&["async fn".to_owned()], word.span().start().line);
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.mention(&["async".to_owned()], block.span().start().line);
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        if closure.asyncness.is_some() {
            self.mention(&["async closure".to_owned()], closure.span().start().line);
        }
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        self.mention(&["async .await".to_owned()], expression.span().start().line);
        visit::visit_expr_await(self, expression);
    }
}

// ---- the check can fail ----------------------------------------------------------------------------

/// What is found in `text` standing in `file`, beside an otherwise empty crate.
fn found_in(file: &str, text: &str) -> Vec<String> {
    let mut sources: Vec<Source> = [
        "ids.rs",
        "time.rs",
        "meeting/mod.rs",
        "meeting/roster.rs",
        "media/mod.rs",
        "media/shard/mod.rs",
        "media/shard/srtp.rs",
        "media/worker.rs",
        "room/mod.rs",
        "room/task.rs",
        "config.rs",
    ]
    .into_iter()
    .filter(|other| *other != file)
    .map(|file| Source {
        file: file.to_owned(),
        text: String::new(),
    })
    .collect();
    sources.push(Source {
        file: file.to_owned(),
        text: text.to_owned(),
    });
    breaches(&sources)
        .into_iter()
        .map(|breach| format!("{}: {}", breach.line, breach.what))
        .collect()
}

#[test]
fn a_wrong_import_is_found_in_every_form() {
    for (line, text) in [
        "use crate::media::PeerId;",
        "use crate::{ids::MemberId, media::shard::Shard};",
        "use super::media;",
        "use crate::media as m;",
        "use crate::room::*;",
        "fn f() { crate::config::load(); }",
        "fn f() -> Option<crate::media::PeerId> { None }",
        "fn f() { println!(\"{}\", crate::media::X); }",
        "use crate::ids; mod inner { use super::super::room::Room; }",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(
            found_in("meeting/mod.rs", text).len(),
            1,
            "form {line}: {text}"
        );
    }
    assert_eq!(
        found_in("media/shard/srtp.rs", "\nuse super::super::worker::Media;"),
        ["2: `media::shard::srtp` may not import `media::worker`"]
    );
    assert_eq!(found_in("media/mod.rs", "use worker::Media;").len(), 1);
    assert_eq!(
        found_in("room/task.rs", "use crate::config::Config;").len(),
        1
    );
    assert_eq!(found_in("novelty.rs", "").len(), 1, "a part without a row");
}

#[test]
fn a_right_import_is_not_reported() {
    for (file, text) in [
        (
            "meeting/mod.rs",
            "use crate::{ids::MemberId, time::{self, Millis}}; use self::roster::Seat; use roster::Role;",
        ),
        (
            "media/shard/srtp.rs",
            "use crate::media::{PeerId, shard::Shard}; use super::Shard as S;",
        ),
        ("media/worker.rs", "use super::{Order, shard::Shard};"),
        ("room/mod.rs", "use crate::{meeting, media::worker::Media};"),
        ("main.rs", "use roundtable::{config, room};"),
    ] {
        assert_eq!(found_in(file, text), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn the_world_is_found_outside_shells_only() {
    let forms = [
        "fn f() { std::time::Instant::now(); }",
        "use std::time::Instant; fn f() { let t = Instant::now(); }",
        "fn f() { std::time::SystemTime::now(); }",
        "use tokio::sync::mpsc;",
        "use std::net::UdpSocket;",
        "use std::thread;",
        "use std::net; fn f(s: net::TcpStream) {}",
        "async fn f() {}",
        "fn f() { g(async { 1 }); }",
        "fn f() { g(async || 1); }",
        "fn f() { select! { x = y.await => {} } }",
        "struct S; impl S { async fn f(&self) {} }",
    ];
    for text in forms {
        assert!(!found_in("room/mod.rs", text).is_empty(), "{text}");
        let shell = format!("//! SHELL. Runs a room.\n{text}");
        assert_eq!(
            found_in("room/task.rs", &shell),
            Vec::<String>::new(),
            "{text}"
        );
        let core = format!("//! SHELL. Says it.\n{text}");
        assert!(!found_in("meeting/mod.rs", &core).is_empty(), "{text}");
    }
}

#[test]
fn a_test_module_may_read_a_clock_but_not_use_the_network() {
    let test = |line: &str| {
        found_in(
            "room/mod.rs",
            &format!("#[cfg(test)] mod tests {{ {line} }}"),
        )
    };
    assert_eq!(
        test("use std::time::Instant; fn f() { Instant::now(); }"),
        Vec::<String>::new()
    );
    assert_eq!(test("fn f() { std::net::UdpSocket::bind(\"\"); }").len(), 1);
    assert_eq!(test("use crate::config::Config;").len(), 1);
}
