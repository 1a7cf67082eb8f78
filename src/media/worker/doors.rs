//! SHELL. A shard's sockets: one for datagrams at each address, and one that accepts connections.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
};

use super::{Fault, Settings};

/// How often any free port is tried until its number is free for TCP too.
const ATTEMPTS_MAX: usize = 16;

/// Where clients whom UDP does not reach open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub enum TcpPort {
    /// At the number of the UDP port: one line in the firewall's table.
    #[default]
    Same,
    /// Nowhere: whom UDP does not reach sees and hears nobody.
    Off,
    /// At this number; the further shards follow. 0: any free one for each.
    Number(u16),
}

/// As it stands in a file or in the environment.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u16),
    Word(String),
}

impl TryFrom<Written> for TcpPort {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Number(number) => Ok(Self::Number(number)),
            Written::Word(word) => match word.as_str() {
                "same" => Ok(Self::Same),
                "off" => Ok(Self::Off),
                number => number
                    .parse()
                    .map(Self::Number)
                    .map_err(|_| format!("{word:?} is neither \"same\" nor \"off\" nor a port")),
            },
        }
    }
}

impl From<TcpPort> for String {
    fn from(port: TcpPort) -> Self {
        match port {
            TcpPort::Same => "same".to_owned(),
            TcpPort::Off => "off".to_owned(),
            TcpPort::Number(number) => number.to_string(),
        }
    }
}

/// How a client speaks with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// In datagrams.
    Udp,
    /// In a stream.
    Tcp,
}

/// One port that media takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// How clients speak with it.
    pub protocol: Protocol,
    /// Where; port 0 is any free one.
    pub address: SocketAddr,
}

impl Settings {
    /// Every port that media takes when it is started with these.
    ///
    /// # Errors
    /// Where the numbers go beyond the last port.
    pub fn ports(&self) -> Result<Vec<Port>, Fault> {
        let mut ports = Vec::new();
        for number in 0..self.shards {
            let udp = of_shard(self.port, number)?;
            let tcp = match self.tcp_port {
                TcpPort::Off => None,
                TcpPort::Same => Some(udp),
                TcpPort::Number(first) => Some(of_shard(first, number)?),
            };
            for ip in &self.addresses {
                let doors = [(Protocol::Udp, Some(udp)), (Protocol::Tcp, tcp)];
                ports.extend(doors.into_iter().filter_map(|(protocol, port)| {
                    let address = SocketAddr::new(*ip, port?);
                    Some(Port { protocol, address })
                }));
            }
        }
        Ok(ports)
    }
}

/// Both in the order of the settings' addresses; no listeners where TCP is off.
pub(super) struct Doors {
    pub(super) sockets: Vec<UdpSocket>,
    pub(super) listeners: Vec<TcpListener>,
}

/// Opens those of the shard with this number.
pub(super) fn open(settings: &Settings, number: u16) -> Result<Doors, Fault> {
    let port = of_shard(settings.port, number)?;
    let tcp_port = match settings.tcp_port {
        TcpPort::Number(first) => TcpPort::Number(of_shard(first, number)?),
        other @ (TcpPort::Same | TcpPort::Off) => other,
    };
    let mut doors = Doors {
        sockets: Vec::new(),
        listeners: Vec::new(),
    };
    for ip in &settings.addresses {
        let (socket, listener) = open_at(*ip, port, tcp_port)?;
        doors.sockets.push(socket);
        doors.listeners.extend(listener);
    }
    Ok(doors)
}

fn of_shard(first: u16, number: u16) -> Result<u16, Fault> {
    match first {
        0 => Ok(0),
        first => first.checked_add(number).ok_or(Fault::Settings(
            "there are not that many ports above media.port or media.tcp_port",
        )),
    }
}

fn open_at(
    ip: IpAddr,
    port: u16,
    tcp_port: TcpPort,
) -> Result<(UdpSocket, Option<TcpListener>), Fault> {
    let mut attempt = 1;
    loop {
        let wanted = SocketAddr::new(ip, port);
        let bound = UdpSocket::bind(wanted).and_then(|socket| {
            socket.set_nonblocking(true)?;
            let port = socket.local_addr()?.port();
            Ok((socket, port))
        });
        let (socket, number) = bound.map_err(|error| Fault::Bind(wanted, error))?;
        let wanted = match tcp_port {
            TcpPort::Off => return Ok((socket, None)),
            TcpPort::Same => SocketAddr::new(ip, number),
            TcpPort::Number(number) => SocketAddr::new(ip, number),
        };
        match TcpListener::bind(wanted) {
            Ok(listener) => return Ok((socket, Some(listener))),
            // Somebody has the number that chance has given: another is as good.
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && tcp_port == TcpPort::Same
                    && port == 0
                    && attempt < ATTEMPTS_MAX =>
            {
                attempt += 1;
            }
            Err(error) => return Err(Fault::Listen(wanted, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_written_as_a_word_or_a_number() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct File {
            port: TcpPort,
        }
        for (text, port) in [
            ("port = \"same\"", TcpPort::Same),
            ("port = \"off\"", TcpPort::Off),
            ("port = \"443\"", TcpPort::Number(443)),
            ("port = 443", TcpPort::Number(443)),
        ] {
            let file: File = toml::from_str(text).expect(text);
            assert_eq!(file, File { port });
            let again = toml::to_string(&file).expect("plain");
            assert_eq!(toml::from_str::<File>(&again), Ok(file), "{again}");
        }
        for text in ["port = \"on\"", "port = 70000", "port = -1", "port = \"\""] {
            assert!(toml::from_str::<File>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ports_of_every_shard_are_known_before_they_are_taken() {
        let settings = Settings {
            addresses: vec![[192, 0, 2, 1].into()],
            port: 7882,
            tcp_port: TcpPort::Number(443),
            shards: 2,
            ..Settings::default()
        };
        let said: Vec<String> = settings
            .ports()
            .expect("there are so many")
            .iter()
            .map(|port| format!("{:?} {}", port.protocol, port.address))
            .collect();
        assert_eq!(
            said,
            [
                "Udp 192.0.2.1:7882",
                "Tcp 192.0.2.1:443",
                "Udp 192.0.2.1:7883",
                "Tcp 192.0.2.1:444"
            ]
        );
        let off = Settings {
            tcp_port: TcpPort::Off,
            ..settings.clone()
        };
        assert_eq!(off.ports().expect("there are so many").len(), 2);
        let beyond = Settings {
            port: 65535,
            ..settings
        };
        assert!(beyond.ports().is_err());
    }

    #[test]
    fn any_free_port_is_one_for_both() {
        let settings = Settings {
            addresses: vec![[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()],
            port: 0,
            ..Settings::default()
        };
        let doors = open(&settings, 0).expect("free ports");
        for (socket, listener) in doors.sockets.iter().zip(&doors.listeners) {
            assert_eq!(
                socket.local_addr().expect("bound"),
                listener.local_addr().expect("bound")
            );
        }
        assert_eq!((doors.sockets.len(), doors.listeners.len()), (2, 2));
        let taken = doors.listeners[0].local_addr().expect("bound");
        let same = Settings {
            addresses: vec![taken.ip()],
            port: 0,
            tcp_port: TcpPort::Number(taken.port()),
            ..Settings::default()
        };
        let refused = open(&same, 0).err().expect("somebody has it").to_string();
        assert!(refused.contains("media.tcp_port"), "{refused}");
    }
}
