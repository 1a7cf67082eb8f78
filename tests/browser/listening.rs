//! The client library without the page around it: a page of another origin, which has nothing but the
//! library's files, joins by an invite link and listens.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::{
    AT_ONCE_MS, PEOPLE, TONES, stage,
    support::{
        browser::Browser,
        pass,
        seat::{PATIENCE, Seat},
        server::Server,
        wall_ms,
    },
};

/// All that the other origin has: what is not here cannot be imported.
const FILES: [(&str, &str); 6] = [
    ("/", include_str!("example/listen.html")),
    ("/protocol.js", include_str!("../../src/client/protocol.js")),
    ("/meeting.js", include_str!("../../src/client/meeting.js")),
    ("/media.js", include_str!("../../src/client/media.js")),
    ("/peer.js", include_str!("../../src/client/peer.js")),
    ("/patience.js", include_str!("../../src/client/patience.js")),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_its_own_joins_and_listens_with_the_library_alone() {
    let _stage = stage().await;
    let files = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", files.local_addr().expect("an address"));
    let serving = tokio::spawn(serve(files));
    let settings = [("http.page_origins", origin.as_str())];
    let mut server = Server::start_with(Some("session-1:open"), &settings).await;
    let browser = Browser::chromium(PEOPLE[1]).await;
    let speaker = Seat::join(&browser, &server, "malaysia-1", &[]).await;

    let tab = browser.tab("listener", &origin).await;
    // The example keeps its connection to itself, so the measure looks over its shoulder.
    let () = tab
        .run(
            "const Made = RTCPeerConnection; \
             window.RTCPeerConnection = class extends Made { \
               constructor(...all) { super(...all); window.newest = this; } };",
        )
        .await;
    tab.fill("[name=link]", &server.link("indonesia-1").url)
        .await;
    tab.click("button").await;
    let hearing = "document.querySelector('[role=status]').innerText.startsWith('You hear ')";
    tab.wait_for(hearing, PATIENCE).await;
    let measure = include_str!("support/measure.js");
    let () = tab
        .run(&format!(
            "{measure}; await measure.start(() => window.newest, {TONES:?});"
        ))
        .await;
    let listener = Seat {
        member: "indonesia-1".to_owned(),
        tab,
    };
    speaker
        .sees("[data-testid=member-row][data-member=indonesia-1]")
        .await;

    let raised = speaker.press("raise-hand").await;
    speaker.is("speaking").await;
    listener.hears(PEOPLE[1].tone, raised, AT_ONCE_MS).await;
    listener.says("output", "Malaysia").await;
    let plays = "[...document.querySelectorAll('audio')].some((sound) => !sound.paused)";
    listener.tab.wait_for(plays, PATIENCE).await;
    speaker.press("finish-speaking").await;
    let silent = "document.querySelector('output').value === ''";
    listener.tab.wait_for(silent, PATIENCE).await;

    // It comes back by itself, and hears who speaks then.
    server.kill();
    let lost = "document.querySelector('[role=status]').innerText === 'Connecting…'";
    listener.tab.wait_for(lost, PATIENCE).await;
    server.start_again().await;
    listener.tab.wait_for(hearing, PATIENCE).await;
    speaker.is_in().await;
    speaker.is("idle").await;
    pass(Duration::from_secs(2)).await;
    speaker.press("raise-hand").await;
    speaker.is("speaking").await;
    listener
        .hears(PEOPLE[1].tone, wall_ms(), PATIENCE.as_secs_f64() * 1000.0)
        .await;
    assert_eq!(
        listener
            .tab
            .complaints()
            .into_iter()
            .filter(|line| line.contains("uncaught"))
            .collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    serving.abort();
}

/// A static file server of the smallest kind: a connection a file, until it is aborted.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // A browser opens connections in reserve, on which it says nothing for long.
        tokio::spawn(answer(stream));
    }
}

async fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await?;
    loop {
        let mut header = String::new();
        if stream.read_line(&mut header).await? <= 2 {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let found = FILES.iter().find(|(name, _)| *name == path);
    let (status, body) = found.map_or(("404 Not Found", ""), |(_, text)| ("200 OK", *text));
    let kind = if path == "/" {
        "text/html"
    } else {
        "text/javascript"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
