//! A keyboard's keys, and a mouse that drags or presses twice, in a tab of Chromium.

use std::time::Duration;

use serde_json::{Value, json};

use super::{pass, tab::Tab};

/// So many presses of Tab reach anything in the room.
const TABS_MAX: usize = 160;

/// How far between two looks a dragging mouse moves: more steps than a hand's, fewer than its pixels.
const DRAG_STEPS: u32 = 8;

/// Between the presses of a double one: the floor goes on meanwhile.
const DOUBLE: Duration = Duration::from_millis(250);

/// DevTools' number of the Alt key.
const ALT: u32 = 1;

impl Tab {
    /// Presses a key: a letter, or `Tab`, `Enter`, `Space`, `Escape`, `ArrowUp`… (`Alt+ArrowUp`).
    pub async fn key(&self, key: &str) {
        let (modifiers, key) = match key.strip_prefix("Alt+") {
            Some(key) => (ALT, key),
            None => (0, key),
        };
        let (name, code, number, text) = described(key);
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({"type": kind, "key": name, "code": code, "modifiers": modifiers,
                "windowsVirtualKeyCode": number});
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = Value::from(text.as_str());
            }
            self.devtools("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Types a text, key by key.
    pub async fn types(&self, text: &str) {
        for letter in text.chars() {
            let key = if letter == ' ' {
                "Space".to_owned()
            } else {
                letter.to_string()
            };
            self.key(&key).await;
        }
    }

    /// Presses Tab until an element has the focus; it must be seen, and lie in the window.
    pub async fn reach(&self, selector: &str) {
        let selector = json!(selector);
        let reached = format!(
            "const e = document.activeElement; \
             if (!e.matches({selector})) return false; \
             const r = e.getBoundingClientRect(); \
             if (r.width < 1 || r.bottom < 0 || r.top > innerHeight) throw new Error('the focus is not seen'); \
             return true;"
        );
        for _ in 0..TABS_MAX {
            if self.run::<bool>(&reached).await {
                return;
            }
            self.key("Tab").await;
        }
        panic!("no Tab reaches {selector}");
    }

    /// Reaches a control by the keyboard and presses it.
    pub async fn press_by_key(&self, selector: &str) {
        self.reach(selector).await;
        self.key("Enter").await;
    }

    /// Takes one element with the mouse and drags it over another, to that part (0 to 1) of its height;
    /// the button stays down.
    pub async fn drag(&self, selector: &str, over: &str, part: f64) {
        let [x, y]: [f64; 2] = self.run(&middle_of(selector, 0.5)).await;
        let [_, to]: [f64; 2] = self.run(&middle_of(over, part)).await;
        self.mouse("mouseMoved", x, y, 0).await;
        self.mouse("mousePressed", x, y, 1).await;
        for step in 1..=DRAG_STEPS {
            let way = f64::from(step) / f64::from(DRAG_STEPS);
            self.mouse("mouseMoved", x, y + (to - y) * way, 1).await;
        }
        let () = self.run(&format!("window.aim = [{x}, {to}];")).await;
    }

    /// Presses an element twice, as one does who is used to that.
    pub async fn double_click(&self, selector: &str) {
        for count in [1, 2] {
            let [x, y]: [f64; 2] = self.run(&middle_of(selector, 0.5)).await;
            for kind in ["mousePressed", "mouseReleased"] {
                let params =
                    json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": count});
                self.devtools("Input.dispatchMouseEvent", params).await;
            }
            pass(DOUBLE).await;
        }
    }

    /// Lets go of what was dragged.
    pub async fn let_go(&self) {
        let [x, y]: [f64; 2] = self.run("return aim;").await;
        self.mouse("mouseReleased", x, y, 0).await;
    }

    async fn mouse(&self, kind: &str, x: f64, y: f64, buttons: u32) {
        let button = if kind == "mouseMoved" && buttons == 0 {
            "none"
        } else {
            "left"
        };
        let params = json!({"type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1});
        self.devtools("Input.dispatchMouseEvent", params).await;
    }
}

fn middle_of(selector: &str, part: f64) -> String {
    let selector = json!(selector);
    format!(
        "const e = document.querySelector({selector}); \
         const r = e.getBoundingClientRect(); \
         return [r.x + r.width / 2, r.y + r.height * {part}];"
    )
}

/// A key's name, its place on the keyboard, its number, and what it writes.
fn described(key: &str) -> (String, String, u32, String) {
    let plain = |number: u32, text: &str| (key.to_owned(), key.to_owned(), number, text.to_owned());
    match key {
        "Tab" => plain(9, ""),
        "Enter" => plain(13, "\r"),
        "Escape" => plain(27, ""),
        "ArrowLeft" => plain(37, ""),
        "ArrowUp" => plain(38, ""),
        "ArrowRight" => plain(39, ""),
        "ArrowDown" => plain(40, ""),
        "Space" => (" ".to_owned(), "Space".to_owned(), 32, " ".to_owned()),
        "?" => ("?".to_owned(), "Slash".to_owned(), 191, "?".to_owned()),
        letter => {
            let upper = letter.to_uppercase();
            let number = upper.bytes().next().map_or(0, u32::from);
            (
                letter.to_owned(),
                format!("Key{upper}"),
                number,
                letter.to_owned(),
            )
        }
    }
}
