//! SHELL. The task that owns the checks: clients' offers in, the shard and the answers out.

use std::{collections::BTreeMap, future, net::IpAddr, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{CheckRefusal, Checker, Checks, Offer, Output, Settings};
use crate::{
    media::{Notice, Order, PeerId},
    time::Timestamp,
};

/// Requests that wait. Full: an offer is refused as busy; a client that is gone is forgotten when its
/// time is over.
const INBOX_MAX: usize = 64;

type Answer = oneshot::Sender<Result<String, CheckRefusal>>;

enum Asked {
    Offer {
        from: (Checker, IpAddr),
        offer: Offer,
        answer: Answer,
    },
    Gone {
        checker: Checker,
    },
}

/// Reaches the task.
#[derive(Debug, Clone)]
pub struct Handle {
    inbox: mpsc::Sender<Asked>,
}

impl Handle {
    /// Offers a peer. Its end is the answer where the check has ended before.
    ///
    /// # Errors
    /// Where too many wait.
    pub fn offer(
        &self,
        from: (Checker, IpAddr),
        offer: Offer,
    ) -> Result<oneshot::Receiver<Result<String, CheckRefusal>>, CheckRefusal> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked::Offer {
            from,
            offer,
            answer,
        };
        match self.inbox.try_send(asked) {
            Ok(()) => Ok(answered),
            Err(_full_or_ended) => Err(CheckRefusal::Busy),
        }
    }

    /// The client is gone, and all that it checked.
    pub fn gone(&self, checker: Checker) {
        let _full_or_ended = self.inbox.try_send(Asked::Gone { checker });
    }
}

/// Starts the task; it ends with the last handle. `order` hands an order to the shard that `notices`
/// come from, `mint` names a peer, `now` is the server's clock.
pub fn start<M, P, N>(
    settings: Settings,
    (order, notices): (M, mpsc::Receiver<Notice>),
    mint: P,
    now: N,
) -> Handle
where
    M: FnMut(Order) + Send + 'static,
    P: Fn() -> PeerId + Send + 'static,
    N: Fn() -> Timestamp + Send + 'static,
{
    let (inbox, asked) = mpsc::channel(INBOX_MAX);
    let task = Task {
        checks: Checks::new(settings),
        answers: BTreeMap::new(),
        order,
        mint,
        now,
    };
    tokio::spawn(task.run(asked, notices));
    Handle { inbox }
}

struct Task<M, P, N> {
    checks: Checks,
    /// Who waits for the answer to which peer's offer; never more than there are checks.
    answers: BTreeMap<PeerId, Answer>,
    order: M,
    mint: P,
    now: N,
}

impl<M: FnMut(Order), P: Fn() -> PeerId, N: Fn() -> Timestamp> Task<M, P, N> {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>, mut notices: mpsc::Receiver<Notice>) {
        let mut media_ended = false;
        loop {
            self.drain();
            let due = wait_until((self.now)(), self.checks.next_deadline());
            tokio::select! {
                next = asked.recv() => match next {
                    Some(asked) => self.handle(asked),
                    None => return,
                },
                notice = notices.recv(), if !media_ended => match notice {
                    Some(notice) => self.checks.handle_notice(notice),
                    None => media_ended = true,
                },
                () = due => self.checks.handle_timeout((self.now)()),
            }
        }
    }

    fn handle(&mut self, asked: Asked) {
        match asked {
            Asked::Offer {
                from,
                offer,
                answer,
            } => {
                let peer = (self.mint)();
                self.answers.insert(peer, answer);
                self.checks.handle_offer((self.now)(), from, peer, offer);
            }
            Asked::Gone { checker } => self.checks.handle_gone(checker),
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.checks.poll_output() {
            match output {
                Output::Order(order) => {
                    if let Order::Close { peer } = &order {
                        self.answers.remove(peer);
                    }
                    (self.order)(order);
                }
                Output::Answer { peer, answer } => {
                    if let Some(waiting) = self.answers.remove(&peer) {
                        // Whoever asked may be gone.
                        let _unheard = waiting.send(answer);
                    }
                }
            }
        }
    }
}

async fn wait_until(now: Timestamp, deadline: Option<Timestamp>) {
    match deadline {
        // A millisecond at least: the clock counts whole ones.
        Some(deadline) => {
            tokio::time::sleep(Duration::from_millis(deadline.since(now).0.max(1))).await;
        }
        None => future::pending().await,
    }
}
