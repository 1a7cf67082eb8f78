//! Keeps the client library a library: its modules import one another alone, and name nothing of a page.
//! And what the pages say without a script, and their style sheets, whole.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What `signalling/protocol.md` names as the library, with all that it may import.
const LIBRARY: [&str; 5] = [
    "protocol.js",
    "meeting.js",
    "media.js",
    "peer.js",
    "patience.js",
];

/// The doors from a script to the page around it.
const PAGE: [&str; 8] = [
    "document",
    "window",
    "location",
    "history",
    "localStorage",
    "sessionStorage",
    "texts",
    "innerHTML",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client")
}

#[test]
fn the_client_library_knows_no_page() {
    for file in LIBRARY {
        let text = fs::read_to_string(folder().join(file)).expect("a readable module");
        let found = breaches(&text);
        assert!(found.is_empty(), "src/client/{file}: {found:?}");
    }
}

/// Imports from outside the library, and words of the page's, each with its line.
fn breaches(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, code) in (1..).zip(text.lines()) {
        let code = code.trim_start();
        // Comments and what is handed in by name may speak of anything.
        if code.starts_with("//") || code.starts_with('*') || code.starts_with("/*") {
            continue;
        }
        let imported = code
            .starts_with("import")
            .then(|| code.split('\'').nth(1))
            .flatten();
        if let Some(from) = imported
            && !LIBRARY.iter().any(|file| from == format!("./{file}"))
        {
            found.push((line, format!("imports {from}")));
        }
        let words = code.split(|character: char| !character.is_alphanumeric());
        let foreign = words.filter(|word| PAGE.contains(word));
        found.extend(foreign.map(|word| (line, word.to_owned())));
    }
    found
}

#[test]
fn a_word_of_the_page_and_a_foreign_import_are_found() {
    let text = "import { el } from './dom.js';\n// document\nconst x = document.body;\n\
                import { Peer } from './peer.js';\nconst { documents } = x;\n";
    let found = breaches(text);
    assert_eq!(
        found,
        [
            (1, "imports ./dom.js".to_owned()),
            (3, "document".to_owned())
        ]
    );
}

#[test]
fn both_pages_say_in_every_language_that_they_need_scripts() {
    let said = |page: &str| {
        let text = fs::read_to_string(folder().join(page)).expect("a readable page");
        let (_, rest) = text.split_once("<noscript>").expect("a noscript");
        let (words, _) = rest.split_once("</noscript>").expect("its end");
        words.to_owned()
    };
    let words = said("index.html");
    for language in ["ru", "id"] {
        assert!(words.contains(&format!("lang=\"{language}\"")), "{words}");
    }
    assert_eq!(said("board.html"), words);
}

#[test]
fn every_measure_of_the_style_sheets_is_read_and_given_once() {
    let files = fs::read_dir(folder()).expect("a readable folder");
    let mut sheets = String::new();
    for file in files {
        let path = file.expect("a readable folder").path();
        if path.extension().is_some_and(|it| it == "css") {
            sheets += &fs::read_to_string(path).expect("a readable sheet");
        }
    }
    assert!(sheets.contains("--ground:"), "the sheets were read");
    let wrong = idle_measures(&sheets);
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Custom properties that nothing reads, and those that one rule gives twice.
fn idle_measures(sheets: &str) -> Vec<&str> {
    let mut wrong = Vec::new();
    let mut given = BTreeSet::new();
    for line in sheets.lines().map(str::trim) {
        if line.ends_with('{') || line.ends_with('}') {
            given.clear();
        }
        let Some((name, _)) = line.split_once(':') else {
            continue;
        };
        if !name.starts_with("--") {
            continue;
        }
        let is_read = [")", ","].map(|end| sheets.contains(&format!("var({name}{end}")));
        if !given.insert(name) || is_read == [false, false] {
            wrong.push(name);
        }
    }
    wrong
}

#[test]
fn idle_measures_are_found() {
    let sheet = ":root {\n  --a: 1px;\n  --b: 2px;\n  --a: 3px;\n}\np {\n  --a: 4px;\n  top: var(--a);\n}\n";
    assert_eq!(idle_measures(sheet), ["--b", "--a"]);
}
