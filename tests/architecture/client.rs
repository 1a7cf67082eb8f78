//! Keeps the client library a library: its modules import one another alone, and name nothing of a page.

use std::{fs, path::Path};

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

#[test]
fn the_client_library_knows_no_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client");
    for file in LIBRARY {
        let text = fs::read_to_string(folder.join(file)).expect("a readable module");
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
