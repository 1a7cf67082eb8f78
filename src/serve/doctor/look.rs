//! SHELL. Reads the facts from the machine. Every port that is taken is given back, every file that is
//! made is removed; nothing is changed.

use std::{
    ffi::CString,
    fs::{self, DirBuilder, OpenOptions},
    io,
    mem::MaybeUninit,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use super::{
    Facts, address, buffers, certificate, clock, descriptors, holders,
    ports::{self, Door, Taken},
    storage::{self, Place, Running},
};
use crate::{
    clock::Clock,
    config::Config,
    http::{Certificate, PublicUrl},
    media::worker::{self, Port, Protocol, size_buffers},
    serve::{
        folder::{self, Homeless},
        reach,
    },
    store::{self, Store},
    time::Timestamp,
};

/// Everything there is to know.
pub(super) fn facts(config: &Config) -> Result<Facts, Homeless> {
    let http = &config.http;
    let folder = folder::data_folder(&config.server.data)?;
    let now = Clock::start().now();
    let tls = !http.tls_certificate.as_os_str().is_empty();
    let public_url = match http.public_url.as_str() {
        "" => None,
        text => Some(
            text.parse::<PublicUrl>()
                .map_err(|why| format!("http.public_url: {why}")),
        ),
    };
    let host = match &public_url {
        Some(Ok(url)) => Some(url.host().to_owned()),
        Some(Err(_)) | None => None,
    };
    let mut media = config.media.clone();
    media.addresses = reach::media_addresses(
        &media.addresses,
        http.listen.ip(),
        !http.public_url.is_empty(),
    );
    let (media_ports, contradiction) = match media.check().and_then(|()| media.ports()) {
        Ok(ports) => (ports, None),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let storage = storage(folder);
    let server = storage.server.as_ref().and_then(|server| server.process);
    Ok(Facts {
        settings: config
            .signalling
            .contradiction()
            .or_else(|| config.room.contradiction())
            .map(str::to_owned)
            .or(contradiction),
        descriptors: descriptors(&media, media_ports.len()),
        ports: ports(http.listen, &media_ports, server),
        certificate: certificate::Facts {
            files: certificate(config, host.as_deref()),
            now,
            host,
        },
        address: address::Facts {
            listen: http.listen,
            tls,
            public_url,
            forced: http.force_plain_http,
            proxies: !http.trusted_proxies.is_empty(),
            media: media.addresses,
            announced: media.public_addresses,
        },
        buffers: buffers::Facts {
            wanted_bytes: config.media.socket_buffer_bytes,
            granted: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|socket| size_buffers(&socket, config.media.socket_buffer_bytes))
                .map_err(|why| why.to_string()),
        },
        storage,
        clock: clock(now),
    })
}

/// Held until all have been tried, so that a port that is named twice is found.
enum Held {
    Udp(#[expect(dead_code, reason = "held, not used")] UdpSocket),
    Tcp(#[expect(dead_code, reason = "held, not used")] TcpListener),
}

fn ports(listen: SocketAddr, media: &[Port], server: Option<u32>) -> ports::Facts {
    let http = Port {
        protocol: Protocol::Tcp,
        address: listen,
    };
    let mut held = Vec::new();
    let mut door = |port: &Port| {
        let taken = match take(port) {
            Ok(socket) => {
                held.push(socket);
                Taken::Free
            }
            Err(why) => match why.kind() {
                io::ErrorKind::AddrInUse => Taken::InUse(holders::of(port.protocol, port.address)),
                io::ErrorKind::AddrNotAvailable => Taken::NotHere,
                io::ErrorKind::PermissionDenied => Taken::Forbidden,
                _ => Taken::Failed(why.to_string()),
            },
        };
        Door {
            protocol: port.protocol,
            address: port.address,
            taken,
        }
    };
    ports::Facts {
        http: door(&http),
        media: media.iter().map(door).collect(),
        own: std::process::id(),
        server,
    }
}

/// As a start takes it.
fn take(port: &Port) -> io::Result<Held> {
    match port.protocol {
        Protocol::Udp => UdpSocket::bind(port.address).map(Held::Udp),
        Protocol::Tcp => TcpListener::bind(port.address).map(Held::Tcp),
    }
}

fn certificate(config: &Config, host: Option<&str>) -> certificate::Files {
    let (certificate, key) = (&config.http.tls_certificate, &config.http.tls_key);
    match (
        certificate.as_os_str().is_empty(),
        key.as_os_str().is_empty(),
    ) {
        (true, true) => certificate::Files::None,
        (true, false) | (false, true) => certificate::Files::One,
        (false, false) => match Certificate::read(certificate, key) {
            Err(why) => certificate::Files::Unusable(why),
            Ok(read) => certificate::Files::Shown(certificate::Shown {
                from: read.from,
                until: read.until,
                self_signed: read.self_signed,
                for_host: host.is_none_or(|host| read.is_for(host)),
            }),
        },
    }
}

fn descriptors(media: &worker::Settings, ports: usize) -> descriptors::Facts {
    let peers_max = u64::try_from(media.shard.peers_max).unwrap_or(u64::MAX);
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    #[expect(unsafe_code, reason = "the limit has room here")]
    // It fails for nonsense only, and then nothing is known to be limited.
    let _ = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let finite = |value: libc::rlim_t| (value != libc::RLIM_INFINITY).then_some(value);
    descriptors::Facts {
        members_max: peers_max.saturating_mul(u64::from(media.shards)),
        ports: u64::try_from(ports).unwrap_or(u64::MAX).saturating_add(1),
        limit: finite(limit.rlim_cur),
        hard_limit: finite(limit.rlim_max),
    }
}

fn storage(folder: PathBuf) -> storage::Facts {
    let (place, on_disk) = place(&folder);
    storage::Facts {
        place,
        free_bytes: free_bytes(&on_disk).map_err(|why| why.to_string()),
        // A folder that cannot be read has been told of above.
        server: Store::owner(&folder)
            .ok()
            .flatten()
            .map(|store::Owner { process }| Running { process }),
        folder,
    }
}

/// Whether the folder can be used, and the nearest one that is there.
fn place(folder: &Path) -> (Place, PathBuf) {
    let mut nearest = folder;
    loop {
        match fs::metadata(nearest) {
            Ok(_) => break,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                match nearest.parent() {
                    // A relative path ends in the present folder.
                    Some(parent) if parent.as_os_str().is_empty() => nearest = Path::new("."),
                    Some(parent) => nearest = parent,
                    None => return (Place::Refused(why.to_string()), nearest.to_owned()),
                }
            }
            Err(why) => return (Place::Refused(why.to_string()), nearest.to_owned()),
        }
    }
    let place = if nearest == folder {
        match writable(folder) {
            Ok(()) => Place::Writable,
            Err(why) => Place::Refused(why),
        }
    } else {
        match try_folder(nearest) {
            Ok(()) => Place::Missing,
            Err(why) => Place::Refused(why.to_string()),
        }
    };
    (place, nearest.to_owned())
}

/// A name that nobody else uses.
fn trial(folder: &Path) -> PathBuf {
    folder.join(format!(".roundtable-doctor-{}", std::process::id()))
}

/// Whether files can be made in it, and those that are there be changed: who has started a server as
/// root once, has files in it that are root's.
fn writable(folder: &Path) -> Result<(), String> {
    let trial = trial(folder);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&trial)
        .and_then(|_| fs::remove_file(&trial))
        .map_err(|why| why.to_string())?;
    for name in store::FILES {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .open(folder.join(name));
        match opened {
            Ok(_) => {}
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(format!("{name}: {why}")),
        }
    }
    Ok(())
}

fn try_folder(parent: &Path) -> io::Result<()> {
    let trial = trial(parent);
    DirBuilder::new().mode(0o700).create(&trial)?;
    fs::remove_dir(&trial)
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    let mut found = MaybeUninit::<libc::statvfs>::uninit();
    #[expect(
        unsafe_code,
        reason = "the path ends with a zero, the answer has room here"
    )]
    let answer = unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "the system has filled it in")]
    let found = unsafe { found.assume_init() };
    // What is made up by the system, as /proc is, lies on no disk.
    if found.f_blocks == 0 {
        return Err(io::Error::other("it is on no disk"));
    }
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

fn clock(now: Timestamp) -> clock::Facts {
    let mut asked = MaybeUninit::<libc::timex>::zeroed();
    #[expect(
        unsafe_code,
        reason = "numbers alone, for which zero is right: no mode, so that nothing is set"
    )]
    let state = unsafe { libc::adjtimex(asked.as_mut_ptr()) };
    clock::Facts {
        now,
        synchronised: match state {
            libc::TIME_ERROR => Some(false),
            // Not allowed here, as in some containers.
            ..0 => None,
            _ => Some(true),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_usable_and_left_as_it_was() {
        let place_of = |path: &Path| place(path).0;
        let there = tempfile::tempdir().expect("a folder");
        assert!(matches!(place_of(there.path()), Place::Writable));
        let deep = there.path().join("a/b/c");
        let (found, nearest) = place(&deep);
        assert!(matches!(found, Place::Missing));
        assert_eq!(nearest, there.path());
        let file = there.path().join("file");
        fs::write(&file, "").expect("written");
        assert!(matches!(place_of(&file), Place::Refused(_)));
        assert!(matches!(place_of(&file.join("below")), Place::Refused(_)));
        assert!(matches!(
            place_of(Path::new("/proc/below")),
            Place::Refused(_)
        ));
        let left: Vec<_> = fs::read_dir(there.path()).expect("read").collect();
        assert_eq!(left.len(), 1, "the file alone");
    }

    #[test]
    fn the_system_tells_what_it_is_asked() {
        assert!(free_bytes(Path::new("/")).is_ok());
        assert!(free_bytes(Path::new("/nowhere")).is_err());
        assert!(free_bytes(Path::new("/proc")).is_err());
        let found = descriptors(&worker::Settings::default(), 2);
        assert_eq!((found.members_max, found.ports), (400, 3));
        assert!(found.limit.is_none_or(|limit| limit > 0));
        assert_eq!(clock(Timestamp(7)).now, Timestamp(7));
    }
}
