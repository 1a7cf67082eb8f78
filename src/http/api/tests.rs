//! SHELL. That the table of operations is a table: each address and method once; and that what is begun is
//! finished.

use std::{collections::BTreeSet, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use super::{operations, whole};

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

#[tokio::test]
async fn what_is_begun_is_finished_though_its_caller_hangs_up() {
    let (store, stored) = oneshot::channel::<()>();
    let (done, finished) = oneshot::channel();
    let begun = whole(async move {
        stored.await.expect("stored");
        done.send(()).expect("waited for");
        Ok(())
    });
    let hung_up = timeout(Duration::ZERO, begun).await;
    assert!(hung_up.is_err());
    store.send(()).expect("waited for");
    finished.await.expect("finished");
}
