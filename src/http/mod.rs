//! SHELL. Everything on the HTTP port but the WebSocket's messages: routes, TLS, the page's assets.
