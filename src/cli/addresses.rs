//! The flags that say where a server is reached, for whoever starts one or looks at its machine.

use std::net::{IpAddr, SocketAddr};

use clap::Args;

use crate::config::Config;

#[derive(Debug, Default, Args)]
pub(super) struct Addresses {
    /// Address and port of HTTP and WebSocket; port 0 takes a free one [default: 127.0.0.1:7880]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// An address that clients reach media at; may be repeated [default: where the page is reached]
    #[arg(long, value_name = "ADDR")]
    media_addr: Vec<IpAddr>,
    /// UDP port of the first media shard, the others follow; 0 takes free ones [default: 7882]
    #[arg(long, value_name = "N")]
    media_port: Option<u16>,
    /// Threads that forward media; a session lives on one [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    shards: Option<u16>,
    /// The address that members' browsers see, such as https://conference.example
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Listen beyond this machine without TLS all the same, where browsers give no camera
    #[arg(long)]
    force_plain_http: bool,
}

impl Addresses {
    /// Lays the flags that were given over the settings.
    pub(super) fn lay_over(&self, config: &mut Config) {
        if let Some(listen) = self.listen {
            config.http.listen = listen;
        }
        if let Some(public_url) = &self.public_url {
            config.http.public_url.clone_from(public_url);
        }
        if self.force_plain_http {
            config.http.force_plain_http = true;
        }
        if !self.media_addr.is_empty() {
            config.media.addresses.clone_from(&self.media_addr);
        }
        if let Some(port) = self.media_port {
            config.media.port = port;
        }
        if let Some(shards) = self.shards {
            config.media.shards = shards;
        }
    }
}
