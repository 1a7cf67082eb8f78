//! Keeps the promises of the map in `src/lib.rs`: which module may import which, and that clocks,
//! sockets, threads and `async` live only in files whose first line says SHELL. The tables below are
//! the rules; everything under them reads sources with `syn` and compares. Knows nothing of taste.

mod client;
mod mentions;

use std::{collections::BTreeSet, fmt, fs, path::Path};

use mentions::{Mention, Mentions, below, test_modules};
use syn::visit::Visit;

/// What a part of the program may import besides itself. The most exact row counts: `media::shard`
/// has its own, whatever `media` says. An entry allows a module and all below it; with `=` before
/// it, that one file only; `*` allows everything.
const DIRECTIONS: &[(&str, &str)] = &[
    ("ids", ""),
    ("time", ""),
    ("telemetry", ""),
    ("csv", ""),
    ("meeting", "ids time"),
    ("media::shard", "ids time =media"),
    ("media::worker", "ids time =media media::batch media::shard"),
    ("media", "ids time media::shard"),
    // A role is the roster's word; a programme is made of seats and session plans.
    ("auth", "ids time meeting::roster csv"),
    ("programme", "ids time meeting"),
    ("check", "ids time =media"),
    ("record", "ids time meeting programme csv"),
    ("store", "ids time meeting programme auth check"),
    ("room", "ids time meeting programme media auth store"),
    ("webhooks", "ids time meeting store"),
    (
        "signalling",
        "ids time meeting programme media auth check store room",
    ),
    (
        "http",
        "ids time csv meeting programme record media auth check store room signalling webhooks",
    ),
    // The load test uses the server as a stranger does: over the wire.
    ("loadtest", "ids time meeting programme signalling::wire"),
    // Assembles the settings that each module owns.
    (
        "config",
        "ids time meeting programme media auth check store room signalling http webhooks telemetry",
    ),
    ("clock", "time"),
    // The composition root, and `main`'s hands.
    ("serve", "*"),
    ("cli", "*"),
    ("main", "*"),
    // The crate's root declares the modules and uses none.
    ("lib", ""),
];

/// What every shell may import and nobody else, whatever the rows say.
const FOR_SHELLS: &[&str] = &["clock"];

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
const NEVER_SHELL: &[&str] = &[
    "ids",
    "time",
    "csv",
    "meeting",
    "media::shard",
    "programme",
    "record",
];

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

fn breaches(sources: &[Source]) -> Vec<Breach> {
    let modules: BTreeSet<String> = sources.iter().map(|s| module_of(&s.file)).collect();
    let parsed: Vec<_> = sources
        .iter()
        .map(|source| {
            (
                source,
                module_of(&source.file),
                syn::parse_file(&source.text),
            )
        })
        .collect();
    let test_modules: Vec<String> = parsed
        .iter()
        .filter_map(|(_, module, syntax)| Some(test_modules(module, syntax.as_ref().ok()?)))
        .flatten()
        .collect();
    let mut breaches = Vec::new();
    for (source, module, syntax) in parsed {
        let mut found = |line, what: String| {
            breaches.push(Breach {
                file: source.file.clone(),
                line,
                what,
            });
        };
        let syntax = match syntax {
            Ok(syntax) => syntax,
            Err(error) => {
                let line = error.span().start().line;
                found(line, format!("does not parse: {error}"));
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
        let for_tests = test_modules.iter().any(|test| below(&module, test));
        let mut mentions = Mentions::new(&module, &modules, for_tests);
        mentions.visit_file(&syntax);
        for mention in mentions.all {
            if let Some(target) = mention.module_in(&modules) {
                let may = shell && FOR_SHELLS.contains(&target)
                    || row_of(target).is_some_and(|(its_part, _)| its_part == part)
                    || allowed.split(' ').any(|entry| allows(entry, target));
                if !may {
                    found(
                        mention.line,
                        format!("`{module}` may not import `{target}`"),
                    );
                }
            } else if !shell && is_for_shells(&mention) {
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

/// Whether only a shell may name it.
fn is_for_shells(mention: &Mention) -> bool {
    let is = |rule: &&str| match rule.strip_prefix('…') {
        Some(end) => mention.path == end || mention.path.ends_with(&format!("::{end}")),
        None => below(&mention.path, rule),
    };
    let exempt = mention.in_test && TESTS_MAY.iter().any(is);
    (SHELL_ONLY.iter().any(is) && !exempt)
        || (mention.path.starts_with("async") && !mention.in_test)
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
        "clock.rs",
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
    let clock = "use crate::clock::Clock;";
    assert_eq!(
        found_in("room/mod.rs", clock).len(),
        1,
        "clocks are for shells"
    );
    let shell = format!("//! SHELL. Runs a room.\n{clock}");
    assert_eq!(found_in("room/task.rs", &shell), Vec::<String>::new());
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
    // The same for a test module in a file of its own.
    let reads = "fn f() { std::time::Instant::now(); }";
    let file = |text: &str| Source {
        file: "room/tests.rs".to_owned(),
        text: text.to_owned(),
    };
    let parent = |text: &str| Source {
        file: "room/mod.rs".to_owned(),
        text: text.to_owned(),
    };
    let declared = [parent("#[cfg(test)] mod tests;"), file(reads)];
    assert_eq!(breaches(&declared).len(), 0);
    let used = [parent("mod tests;"), file(reads)];
    assert_eq!(breaches(&used).len(), 1);
}
