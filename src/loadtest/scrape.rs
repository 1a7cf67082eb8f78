//! SHELL. Fetches the server's `/metrics` over plain HTTP.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::metrics::{self, Figures};

/// A server that needs longer is as good as silent: it is asked every second.
const PATIENCE: Duration = Duration::from_millis(900);

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Where to ask.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// The server's host and port.
    pub authority: String,
    /// Opens `/metrics` to others than loopback.
    pub token: Option<String>,
}

impl Metrics {
    /// The figures, or why there are none.
    ///
    /// # Errors
    /// In words, for the report.
    pub async fn fetch(&self) -> Result<Figures, String> {
        let answer = timeout(PATIENCE, self.ask()).await;
        let answer = answer.map_err(|_| "it did not answer in time".to_owned())?;
        let answer = answer.map_err(|why| format!("it cannot be asked: {why}"))?;
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or("it answered what is no HTTP")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        if status != "200" {
            return Err(format!("it answered {status}"));
        }
        let figures = metrics::read(body);
        if figures == Figures::default() {
            return Err("there is no figure in it that is known here".to_owned());
        }
        Ok(figures)
    }

    async fn ask(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        let bearer = match &self.token {
            Some(token) => format!("Authorization: Bearer {token}\r\n"),
            None => String::new(),
        };
        // HTTP/1.0: no chunks, and the end of the answer is the end of the connection.
        let request = format!(
            "GET /metrics HTTP/1.0\r\nHost: {}\r\n{bearer}Connection: close\r\n\r\n",
            self.authority
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut answer)
            .await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that gives this answer once, and what it was asked.
    async fn serve(answer: &'static str) -> (Metrics, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let authority = listener.local_addr().expect("bound").to_string();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("asked");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("a request"));
            }
            stream.write_all(answer.as_bytes()).await.expect("answered");
            String::from_utf8(request).expect("text")
        });
        let token = Some("secret".to_owned());
        (Metrics { authority, token }, served)
    }

    #[tokio::test]
    async fn figures_are_fetched_with_the_token() {
        let (metrics, served) =
            serve("HTTP/1.1 200 OK\r\nA: b\r\n\r\nprocess_cpu_seconds_total 2.5\n").await;
        let figures = metrics.fetch().await.expect("figures");
        assert_eq!(figures.cpu_s, Some(2.5));
        let asked = served.await.expect("served");
        assert!(asked.starts_with("GET /metrics HTTP/1."), "{asked}");
        assert!(
            asked.contains("Authorization: Bearer secret\r\n"),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn an_answer_without_figures_is_told_in_words() {
        for (answer, told) in [
            ("HTTP/1.1 404 Not Found\r\n\r\n", "it answered 404"),
            ("HTTP/1.1 200 OK\r\n\r\n<html>", "no figure"),
            ("hello", "no HTTP"),
        ] {
            let (metrics, _served) = serve(answer).await;
            let why = metrics.fetch().await.expect_err("no figures");
            assert!(why.contains(told), "{why}");
        }
        let nobody = Metrics {
            authority: "127.0.0.1:1".to_owned(),
            token: None,
        };
        let why = nobody.fetch().await.expect_err("nobody");
        assert!(why.contains("cannot be asked"), "{why}");
    }
}
