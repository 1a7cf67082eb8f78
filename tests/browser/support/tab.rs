//! A tab of a browser: what a person does with it, and what a test asks it.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{wall_ms, wire::Wire};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whose protocol a tab speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
}

/// What a tab's page has cost so far.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Seconds of scripts, layout and style.
    pub busy_s: f64,
    /// The browser's clock at the time, in seconds.
    pub at_s: f64,
    /// Bytes of JavaScript's heap in use.
    pub heap_bytes: f64,
    /// Nodes of the document, those that nobody shows any more included.
    pub nodes: f64,
}

/// Warnings, errors and uncaught exceptions of a tab's console.
pub type Log = Arc<Mutex<Vec<String>>>;

/// A tab. Prints its console when a test fails while it is open.
pub struct Tab {
    engine: Engine,
    name: String,
    /// DevTools' session or BiDi's browsing context.
    id: String,
    wire: Wire,
    log: Log,
}

impl Engine {
    /// The tab and the text of an event that is a console's warning or error.
    pub fn console_line(self, event: &Value) -> Option<(&str, String)> {
        match self {
            Engine::Chromium => {
                let params = &event["params"];
                let line = match event["method"].as_str()? {
                    "Runtime.consoleAPICalled"
                        if matches!(params["type"].as_str()?, "error" | "warning" | "assert") =>
                    {
                        let words = params["args"].as_array()?.iter().map(|argument| {
                            let text = argument["value"].as_str();
                            text.or_else(|| argument["description"].as_str())
                                .map_or_else(|| argument["value"].to_string(), str::to_owned)
                        });
                        words.collect::<Vec<_>>().join(" ")
                    }
                    "Runtime.exceptionThrown" => format!(
                        "uncaught: {}",
                        params["exceptionDetails"]["exception"]["description"]
                    ),
                    "Log.entryAdded" if params["entry"]["level"] == "error" => {
                        format!("{} {}", params["entry"]["text"], params["entry"]["url"])
                    }
                    _ => return None,
                };
                Some((event["sessionId"].as_str()?, line))
            }
            Engine::Firefox => {
                let params = &event["params"];
                let told = event["method"] == "log.entryAdded"
                    && matches!(params["level"].as_str()?, "error" | "warn");
                told.then_some((
                    params["source"]["context"].as_str()?,
                    params["text"].as_str().unwrap_or_default().to_owned(),
                ))
            }
        }
    }
}

impl Tab {
    pub(super) fn new(engine: Engine, name: &str, id: String, wire: Wire, log: Log) -> Self {
        Self {
            engine,
            name: name.to_owned(),
            id,
            wire,
            log,
        }
    }

    pub(super) async fn start(&self) {
        if self.engine == Engine::Chromium {
            for method in ["Runtime.enable", "Log.enable", "Page.enable"] {
                self.devtools(method, json!({})).await;
            }
        }
    }

    /// From the next page on, its policy stops no script of the test's.
    pub(super) async fn let_scripts_in(&self) {
        if self.engine == Engine::Chromium {
            self.devtools("Page.setBypassCSP", json!({"enabled": true}))
                .await;
        }
    }

    /// What its console complained of so far.
    pub fn complaints(&self) -> Vec<String> {
        self.log.lock().expect("no panic").clone()
    }

    /// Goes to an address and waits until the page has loaded.
    pub async fn open(&self, url: &str) {
        match self.engine {
            Engine::Chromium => {
                let result = self.devtools("Page.navigate", json!({"url": url})).await;
                assert!(
                    result["errorText"].is_null(),
                    "{}: {url}: {}",
                    self.name,
                    result["errorText"]
                );
                self.wait_for(
                    "document.readyState === 'complete'",
                    Duration::from_secs(30),
                )
                .await;
            }
            Engine::Firefox => {
                let params = json!({"context": self.id, "url": url, "wait": "complete"});
                self.bidi("browsingContext.navigate", params).await;
            }
        }
    }

    /// Runs the body of an async function in the page and gives what it returns.
    pub async fn run<T: DeserializeOwned>(&self, body: &str) -> T {
        match self.try_run(body).await {
            Ok(value) => value,
            Err(error) => {
                let body: String = body.chars().rev().take(400).collect();
                let body: String = body.chars().rev().collect();
                panic!("{}: {error}\n  at the end of: {body}", self.name)
            }
        }
    }

    async fn try_run<T: DeserializeOwned>(&self, body: &str) -> Result<T, String> {
        // As text, so that both protocols hand the same over.
        let expression = format!(
            "(async () => {{ {body}\n }})().then(v => JSON.stringify(v === undefined ? null : v))"
        );
        let text = match self.engine {
            Engine::Chromium => {
                let params = json!({"expression": expression, "awaitPromise": true,
                    "returnByValue": true, "userGesture": true});
                let result = self
                    .wire
                    .call(Some(&self.id), "Runtime.evaluate", params)
                    .await?;
                if let Some(thrown) = result.get("exceptionDetails") {
                    return Err(format!(
                        "{} {}",
                        thrown["text"], thrown["exception"]["description"]
                    ));
                }
                result["result"]["value"].clone()
            }
            Engine::Firefox => {
                let params = json!({"expression": expression, "awaitPromise": true,
                    "target": {"context": self.id}, "userActivation": true});
                let result = self.wire.call(None, "script.evaluate", params).await?;
                if result["type"] != "success" {
                    return Err(result["exceptionDetails"]["text"].to_string());
                }
                result["result"]["value"].clone()
            }
        };
        let text = text.as_str().ok_or("no value came back")?;
        serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))
    }

    /// Waits until a JavaScript expression is true; panics after `within`.
    pub async fn wait_for(&self, condition: &str, within: Duration) {
        let begun = Instant::now();
        loop {
            // A page that is just being replaced cannot answer; the next look will.
            let seen = self
                .try_run::<bool>(&format!("return !!(await ({condition}));"))
                .await;
            if matches!(seen, Ok(true)) {
                return;
            }
            if begun.elapsed() > within {
                let shown: Result<String, String> = self
                    .try_run("return document.body.innerText.slice(0, 1500);")
                    .await;
                panic!(
                    "{}: not within {within:?}: {condition} ({seen:?})\nthe page says:\n{}",
                    self.name,
                    shown.unwrap_or_else(|error| error)
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until an element is there, can be used and is covered by nothing, and presses it with
    /// the mouse, in its middle. Gives the time of that.
    pub async fn click(&self, selector: &str) -> f64 {
        let [x, y] = self.aim(selector).await;
        let pressed = wall_ms();
        match self.engine {
            Engine::Chromium => {
                for kind in ["mousePressed", "mouseReleased"] {
                    let params =
                        json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
                    self.devtools("Input.dispatchMouseEvent", params).await;
                }
            }
            Engine::Firefox => {
                let selector = json!(selector);
                let () = self
                    .run(&format!("document.querySelector({selector}).click();"))
                    .await;
            }
        }
        pressed
    }

    /// Waits until an element can be pressed, and gives its middle.
    async fn aim(&self, selector: &str) -> [f64; 2] {
        let selector = json!(selector);
        // A tile that is just sliding to its place may lie over it for a moment.
        let ready = format!(
            "(() => {{ const e = document.querySelector({selector}); \
               if (!e || e.disabled || e.ariaDisabled === 'true' || e.getClientRects().length === 0) return false; \
               e.scrollIntoView({{block: 'nearest', behavior: 'instant'}}); \
               const r = e.getBoundingClientRect(); \
               window.aim = [r.x + r.width / 2, r.y + r.height / 2]; \
               const top = document.elementFromPoint(...aim); \
               return top !== null && (e.contains(top) || top.contains(e)); }})()"
        );
        self.wait_for(&ready, Duration::from_secs(10)).await;
        self.run("return aim;").await
    }

    /// Puts a text into a field as if typed.
    pub async fn fill(&self, selector: &str, text: &str) {
        let () = self
            .run(&format!(
                "const e = document.querySelector({}); e.focus(); e.value = {}; \
                 e.dispatchEvent(new Event('input', {{bubbles: true}})); \
                 e.dispatchEvent(new Event('change', {{bubbles: true}}));",
                json!(selector),
                json!(text)
            ))
            .await;
    }

    /// The same with a finger. Chromium only.
    pub async fn touch(&self, selector: &str) {
        let [x, y] = self.aim(selector).await;
        let down = json!({"type": "touchStart", "touchPoints": [{"x": x, "y": y}]});
        let up = json!({"type": "touchEnd", "touchPoints": []});
        for params in [down, up] {
            self.devtools("Input.dispatchTouchEvent", params).await;
        }
    }

    /// A phone's screen, upright, and fingers. Chromium only.
    pub async fn be_a_phone(&self) {
        self.resize(390, 844).await;
        let params = json!({"enabled": true, "maxTouchPoints": 5});
        self.devtools("Emulation.setTouchEmulationEnabled", params)
            .await;
    }

    /// The page is hidden and stands still, as behind a closed lid. Chromium only.
    pub async fn freeze(&self) {
        self.focus(false).await;
        self.devtools("Page.setWebLifecycleState", json!({"state": "frozen"}))
            .await;
    }

    /// It runs again, hidden as it was. Chromium only.
    pub async fn thaw(&self) {
        self.devtools("Page.setWebLifecycleState", json!({"state": "active"}))
            .await;
    }

    /// It is seen again. Chromium only.
    pub async fn show(&self) {
        self.focus(true).await;
    }

    /// A headless page that was hidden is shown by nothing else.
    async fn focus(&self, enabled: bool) {
        let params = json!({"enabled": enabled});
        self.devtools("Emulation.setFocusEmulationEnabled", params)
            .await;
    }

    /// Makes the window that large, in CSS pixels; a phone's when narrow. Chromium only.
    pub async fn resize(&self, width: u32, height: u32) {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", params)
            .await;
    }

    /// What its page has cost so far, garbage collected. Chromium only.
    pub async fn work(&self) -> Work {
        self.devtools("Performance.enable", json!({})).await;
        // What is garbage is no growth.
        self.devtools("HeapProfiler.collectGarbage", json!({}))
            .await;
        let result = self.devtools("Performance.getMetrics", json!({})).await;
        let metrics = result["metrics"].as_array().cloned().unwrap_or_default();
        let metric = |name: &str| {
            let found = metrics.iter().find(|metric| metric["name"] == name);
            let value = found.and_then(|metric| metric["value"].as_f64());
            value.unwrap_or_else(|| panic!("no metric {name} in {metrics:?}"))
        };
        Work {
            busy_s: metric("ScriptDuration")
                + metric("LayoutDuration")
                + metric("RecalcStyleDuration"),
            at_s: metric("Timestamp"),
            heap_bytes: metric("JSHeapUsedSize"),
            nodes: metric("Nodes"),
        }
    }

    /// Makes the page `light` or `dark`, with nothing that moves. Chromium only.
    pub async fn emulate(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    /// Sets the browser's usual text size in pixels, as a person does in its settings. Chromium only.
    pub async fn set_text_size(&self, px: u32) {
        let params = json!({"fontSizes": {"standard": px, "fixed": px}});
        self.devtools("Page.setFontSizes", params).await;
    }

    /// Writes what the window shows as a PNG. Chromium only.
    pub async fn screenshot(&self, file: &Path) {
        let shot = self
            .devtools("Page.captureScreenshot", json!({"format": "png"}))
            .await;
        let png = BASE64_STANDARD
            .decode(shot["data"].as_str().unwrap_or_default())
            .expect("base64");
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).expect("a writable folder");
        }
        fs::write(file, png).expect("a writable folder");
    }

    pub(super) async fn devtools(&self, method: &str, params: Value) -> Value {
        assert_eq!(self.engine, Engine::Chromium, "{method} is Chromium's");
        match self.wire.call(Some(&self.id), method, params).await {
            Ok(result) => result,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    async fn bidi(&self, method: &str, params: Value) -> Value {
        match self.wire.call(None, method, params).await {
            Ok(result) => result,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("console of {}:", self.name);
            for line in self.complaints() {
                eprintln!("    {line}");
            }
        }
    }
}
