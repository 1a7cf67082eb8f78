//! A chair and a delegate, each in a browser, and a crowd that has no pages: what a chair's desk is tried on.

use serde_json::json;

use super::{
    browser::{Browser, Person},
    seat::{PATIENCE, Seat},
    server::Server,
};

/// Members who are there by the page's own protocol, without a page of their own: hands to be put in order.
const CROWD: &str = "
    window.crowd ??= new Map();
    const { Protocol, socketUrl } = await import('/assets/protocol.js');
    const come = async ([member, url]) => {
      const protocol = new Protocol(socketUrl(location));
      await protocol.connect();
      await protocol.request('hello', { token: new URL(url).hash.slice(1) });
      await protocol.request('session.join', { session: roundtable.meeting.state.session.id });
      crowd.set(member, protocol);
    };
    for (const each of COMING) await come(each);";

/// Whose hands the crowd's are.
pub const HANDS: [&str; 4] = ["malaysia-1", "russia-1", "thailand-1", "viet-nam-1"];

/// A chair and a delegate, each in a browser.
pub struct Desk {
    pub chair: Seat,
    pub delegate: Seat,
    server: Server,
    _browsers: [Browser; 2],
}

impl Desk {
    pub async fn laid(people: [Person; 2], open: &str) -> Self {
        let server = Server::start(Some(open)).await;
        let browsers = [
            Browser::chromium(people[0]).await,
            Browser::chromium(people[1]).await,
        ];
        let chair = Seat::join(&browsers[0], &server, "csis-1", &[]).await;
        chair.tab.resize(1280, 800).await;
        let delegate = Seat::join(&browsers[1], &server, "indonesia-1", &[]).await;
        Self {
            chair,
            delegate,
            server,
            _browsers: browsers,
        }
    }

    /// These come, and wait in the lobby where there is one.
    pub async fn come(&self, members: &[&str]) {
        let links: Vec<_> = members
            .iter()
            .map(|member| [(*member).to_owned(), self.server.link(member).url.clone()])
            .collect();
        let script = CROWD.replace("COMING", &json!(links).to_string());
        let () = self.delegate.tab.run(&script).await;
    }

    /// One of the crowd asks for something.
    pub async fn asks(&self, member: &str, request: &str, fields: &str) {
        let script = format!("await crowd.get('{member}').request('{request}', {fields});");
        let () = self.delegate.tab.run(&script).await;
    }

    /// The crowd's hands are up, in their order.
    pub async fn hands_up(&self) {
        self.come(&HANDS).await;
        for member in HANDS {
            self.asks(member, "floor.request", "{}").await;
        }
        self.order_is(&HANDS).await;
    }

    /// Both pages have the hands in this order.
    pub async fn order_is(&self, members: &[&str]) {
        let wanted = format!(
            "state.queue.map(({{ member }}) => member).join() === '{}'",
            members.join(",")
        );
        self.delegate.state_says(&wanted).await;
        self.chair.state_says(&wanted).await;
        let drawn = format!(
            "[...document.querySelectorAll('[data-testid=queue-item]')].map((row) => row.dataset.member).join() === '{}'",
            members.join(",")
        );
        self.chair.tab.wait_for(&drawn, PATIENCE).await;
    }

    /// The delegate's page says so of the room.
    pub async fn seen(&self, condition: &str) {
        self.delegate.state_says(condition).await;
    }

    /// The chair's page offers to take back what it has just done, and the chair does.
    pub async fn takes_back(&self, said: &str) {
        self.chair.says("[data-testid=undo-text]", said).await;
        self.chair.press("undo").await;
    }

    pub fn end(self) {
        drop([self.chair, self.delegate]);
        assert_eq!(self.server.stop(), Some(0), "the server ends cleanly");
    }
}

/// The handle of a hand on the list.
pub fn handle(member: &str) -> String {
    format!("[data-testid=queue-handle][data-member={member}]")
}

/// A hand on the list.
pub fn item(member: &str) -> String {
    format!("[data-testid=queue-item][data-member={member}]")
}

/// A control that concerns a member.
pub fn on(testid: &str, member: &str) -> String {
    format!("[data-testid=\"{testid}\"][data-member={member}]")
}
