//! Real browsers, started headless with a profile of their own, ended and cleaned up on drop.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    camera::{self, Colour},
    process::Process,
    tab::{Engine, Log, Tab},
    tone,
    wire::Wire,
};

/// A cold start beside others on two busy cores.
const START_MAX: Duration = Duration::from_secs(60);

/// Lines kept of one tab's console; later ones are dropped.
const CONSOLE_LINES_MAX: usize = 300;

/// Fake devices without asking, media on loopback, and no calls home.
const FIREFOX_PREFERENCES: &str = r#"
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);
user_pref("media.autoplay.default", 0);
user_pref("media.autoplay.blocking_policy", 0);
user_pref("media.autoplay.block-webaudio", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("media.gmp-provider.enabled", false);
user_pref("app.update.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.server", "");
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("services.settings.server", "data:,");
"#;

type Logs = Arc<Mutex<HashMap<String, Log>>>;

/// What tells a browser's owner from others: the microphone's tone, in Hz, and the colour behind in
/// the camera's picture.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub tone: u32,
    pub backdrop: Colour,
}

/// A running browser.
pub struct Browser {
    engine: Engine,
    wire: Wire,
    logs: Logs,
    // In this order: the browser ends before its folder goes.
    _process: Process,
    _folder: TempDir,
}

impl Browser {
    /// Chromium with this person's files as its microphone and camera.
    pub async fn chromium(person: Person) -> Self {
        Self::chromium_with_camera(person, camera::SMALL).await
    }

    /// The same with a camera of this size.
    pub async fn chromium_with_camera(person: Person, size: camera::Size) -> Self {
        let microphone = tone::wave(person.tone);
        Self::start_chromium(Some((person.backdrop, size, microphone))).await
    }

    /// The same, and what its microphone hears is this: 16-bit mono samples at 48 kHz, in a loop.
    pub async fn chromium_that_hears(
        person: Person,
        size: camera::Size,
        samples: Vec<i16>,
    ) -> Self {
        Self::start_chromium(Some((person.backdrop, size, samples))).await
    }

    /// Chromium on a computer without camera and microphone.
    pub async fn chromium_without_devices() -> Self {
        Self::start_chromium(None).await
    }

    async fn start_chromium(devices: Option<(Colour, camera::Size, Vec<i16>)>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("chromium");
        command.args([
            "--headless=new",
            // Tests run as root in containers, where the sandbox cannot be set up.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-breakpad",
            "--no-first-run",
            "--no-default-browser-check",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-default-apps",
            "--disable-extensions",
            // Timers keep their pace though no window is in front.
            "--disable-background-timer-throttling",
            "--disable-backgrounding-occluded-windows",
            "--disable-renderer-backgrounding",
            "--autoplay-policy=no-user-gesture-required",
            "--use-fake-ui-for-media-stream",
            "--remote-debugging-port=0",
            "--window-size=1280,800",
        ]);
        if let Some((backdrop, size, samples)) = devices {
            let microphone = folder.path().join("microphone.wav");
            tone::write(&microphone, &samples);
            let camera = folder.path().join("camera.y4m");
            camera::write(&camera, backdrop, size);
            command.arg("--use-fake-device-for-media-stream");
            for (flag, file) in [
                ("--use-file-for-fake-audio-capture", &microphone),
                ("--use-file-for-fake-video-capture", &camera),
            ] {
                command.arg(format!("{flag}={}", file.display()));
            }
        }
        command.arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ));
        command.arg("about:blank");
        let (process, ready) = start(
            &mut command,
            "chromium",
            folder.path(),
            "DevTools listening on ",
        );
        let url = process.ready(ready, START_MAX).await;
        let logs = Logs::default();
        let wire = Wire::connect(&url, listen(Engine::Chromium, &logs)).await;
        Self {
            engine: Engine::Chromium,
            wire,
            logs,
            _process: process,
            _folder: folder,
        }
    }

    /// Firefox ESR, with its own fake camera and a tone of that frequency as microphone.
    pub async fn firefox(microphone: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profile = folder.path().join("profile");
        fs::create_dir(&profile).expect("a writable folder");
        let tone = format!("user_pref(\"media.navigator.audio.fake_frequency\", {microphone});\n");
        fs::write(profile.join("user.js"), tone + FIREFOX_PREFERENCES).expect("a writable folder");
        let mut command = Command::new("firefox-esr");
        command
            .args([
                "--headless",
                "--no-remote",
                "--remote-debugging-port",
                "0",
                "--profile",
            ])
            .arg(&profile);
        let (process, ready) = start(
            &mut command,
            "firefox-esr",
            folder.path(),
            "WebDriver BiDi listening on ",
        );
        let url = process.ready(ready, START_MAX).await;
        let logs = Logs::default();
        let wire = Wire::connect(&format!("{url}/session"), listen(Engine::Firefox, &logs)).await;
        for (method, params) in [
            ("session.new", json!({"capabilities": {}})),
            ("session.subscribe", json!({"events": ["log.entryAdded"]})),
        ] {
            wire.call(None, method, params).await.expect("a session");
        }
        Self {
            engine: Engine::Firefox,
            wire,
            logs,
            _process: process,
            _folder: folder,
        }
    }

    /// A new tab that shares nothing with the others (cookies, storage), called `name` in failures.
    pub async fn tab(&self, name: &str, url: &str) -> Tab {
        let tab = self.empty_tab(name).await;
        tab.open(url).await;
        tab
    }

    /// The same, for a page that is measured by scripts which its own policy would not let in.
    pub async fn measured_tab(&self, name: &str, url: &str) -> Tab {
        let tab = self.empty_tab(name).await;
        tab.let_scripts_in().await;
        tab.open(url).await;
        tab
    }

    async fn empty_tab(&self, name: &str) -> Tab {
        let id = match self.engine {
            Engine::Chromium => self.chromium_tab().await,
            Engine::Firefox => self.firefox_tab().await,
        }
        .unwrap_or_else(|error| panic!("no tab for {name}: {error}"));
        let log = Log::default();
        self.logs
            .lock()
            .expect("no panic")
            .insert(id.clone(), Arc::clone(&log));
        let tab = Tab::new(self.engine, name, id, self.wire.clone(), log);
        tab.start().await;
        tab
    }

    async fn chromium_tab(&self) -> Result<String, String> {
        let wire = &self.wire;
        let context = wire
            .call(None, "Target.createBrowserContext", json!({}))
            .await?;
        let target = wire
            .call(
                None,
                "Target.createTarget",
                json!({"url": "about:blank", "browserContextId": context["browserContextId"],
                    "width": 1280, "height": 800}),
            )
            .await?;
        let attached = wire
            .call(
                None,
                "Target.attachToTarget",
                json!({"targetId": target["targetId"], "flatten": true}),
            )
            .await?;
        Ok(attached["sessionId"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    async fn firefox_tab(&self) -> Result<String, String> {
        let wire = &self.wire;
        let user = wire
            .call(None, "browser.createUserContext", json!({}))
            .await?;
        let context = wire
            .call(
                None,
                "browsingContext.create",
                json!({"type": "tab", "userContext": user["userContext"]}),
            )
            .await?;
        Ok(context["context"].as_str().unwrap_or_default().to_owned())
    }
}

fn start(
    command: &mut Command,
    name: &str,
    home: &Path,
    signal: &'static str,
) -> (Process, super::process::Awaited) {
    // Its caches and settings stay in the folder that goes with it; no desktop is looked for.
    command
        .env("HOME", home)
        // Another zone than the demonstration's, whatever the machine's is.
        .env("TZ", "Europe/Moscow")
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", home)
        .env("TMPDIR", home)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    Process::start(name, command, signal)
}

/// Puts what a tab's console says into that tab's log.
fn listen(engine: Engine, logs: &Logs) -> impl Fn(&Value) + Send + 'static {
    let logs = Arc::clone(logs);
    move |event| {
        let Some((tab, line)) = engine.console_line(event) else {
            return;
        };
        let log = logs.lock().expect("no panic").get(tab).cloned();
        if let Some(log) = log {
            let mut log = log.lock().expect("no panic");
            if log.len() < CONSOLE_LINES_MAX {
                log.push(line);
            }
        }
    }
}
