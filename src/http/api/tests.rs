//! That the table of operations is a table: each address and method once.

use std::collections::BTreeSet;

use super::operations;

#[test]
fn no_operation_is_there_twice_and_each_says_what_it_gives() {
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::new();
    for operation in operations() {
        let what = format!("{} {}", operation.method, operation.path);
        assert!(seen.insert(what.clone()), "{what}");
        assert!(names.insert(operation.id), "{}", operation.id);
        assert!(!operation.given.is_empty(), "{what}");
        assert!(!operation.tag.is_empty(), "{what}");
        assert!(!operation.summary.ends_with('.'), "{what}");
    }
}
