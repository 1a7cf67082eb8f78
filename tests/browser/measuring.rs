//! Proves the measuring on a page that calls itself, so that a silence found elsewhere is one.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    PEOPLE, stage,
    support::{browser::Browser, pass, tab::Tab},
};

/// Puts the measuring script beside the page's peer connection, a JavaScript expression.
async fn measure(tab: &Tab, connection: &str, tones: &[u32]) {
    let script = include_str!("support/measure.js");
    let () = tab
        .run(&format!(
            "{script}; await measure.start(() => ({connection}), {tones:?});"
        ))
        .await;
}

/// A page that sends itself its own camera and microphone, to prove the measuring.
async fn loopback_page() -> String {
    const PAGE: &str = r"<!doctype html><title>loopback</title><audio autoplay></audio><video autoplay muted></video>
<script>
async function loop() {
  const media = await navigator.mediaDevices.getUserMedia({video: {width: 320, height: 180}, audio:
    {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  const a = new RTCPeerConnection(), b = new RTCPeerConnection();
  a.onicecandidate = (e) => b.addIceCandidate(e.candidate);
  b.onicecandidate = (e) => a.addIceCandidate(e.candidate);
  window.sending = media.getTracks().map((track) => a.addTrack(track, media));
  b.ontrack = (e) => {
    document.querySelector(e.track.kind).srcObject = new MediaStream([e.track]);
  };
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  window.receiving = b;
  window.microphone = media.getAudioTracks()[0];
}
</script>";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let reply = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{PAGE}",
                PAGE.len()
            );
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    });
    format!("http://{address}/")
}

/// A tab that sends itself its camera and microphone, measured.
async fn loopback_tab(browser: &Browser, tones: &[u32]) -> Tab {
    let tab = browser
        .measured_tab("loopback", &loopback_page().await)
        .await;
    let () = tab.run("await loop();").await;
    measure(&tab, "window.receiving", tones).await;
    tab.wait_for("measure.firstFrame() !== null", Duration::from_secs(20))
        .await;
    pass(Duration::from_secs(3)).await;
    tab
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_measuring_measures_in_chromium() {
    let _stage = stage().await;
    let browser = Browser::chromium(PEOPLE[2]).await;
    let tab = loopback_tab(&browser, &[PEOPLE[2].tone, 1990]).await;
    let [tone, other]: [f64; 2] = tab
        .run("return measure.tonesBetween(Date.now() - 2000, Date.now());")
        .await;
    let [fps, gap_ms]: [f64; 2] = tab
        .run(
            "const mid = receiving.getTransceivers()
               .find((t) => t.receiver.track.kind === 'video').mid;
             const v = measure.videoBetween(mid, Date.now() - 2500, Date.now());
             return [v.fps, v.gap_ms];",
        )
        .await;
    let () = tab.run("microphone.enabled = false;").await;
    pass(Duration::from_secs(2)).await;
    let [shut, _]: [f64; 2] = tab
        .run("return measure.tonesBetween(Date.now() - 1000, Date.now());")
        .await;
    assert!(tone > -30.0, "the tone is heard: {tone} dB");
    assert!(tone - other > 40.0, "and no other: {other} dB");
    assert!(tone - shut > 60.0, "and then it is not: {shut} dB");
    assert!(fps > 8.0 && gap_ms < 1000.0, "{fps} fps, {gap_ms} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_measuring_measures_in_firefox() {
    let _stage = stage().await;
    let browser = Browser::firefox(770).await;
    let tab = loopback_tab(&browser, &[]).await;
    let loud: f64 = tab
        .run("return measure.loudnessBetween(Date.now() - 2000, Date.now());")
        .await;
    let () = tab.run("microphone.enabled = false;").await;
    pass(Duration::from_secs(2)).await;
    let shut: f64 = tab
        .run("return measure.loudnessBetween(Date.now() - 1000, Date.now());")
        .await;
    assert!(loud > -40.0, "something is heard: {loud} dB");
    assert!(loud - shut > 40.0, "and then it is not: {shut} dB");
}
