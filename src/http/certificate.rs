//! What a TLS certificate says of itself: from when until when it holds, and for which names.

use std::path::Path;

use tokio_rustls::rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};

use super::tls;
use crate::time::Timestamp;

/// The certificate that browsers are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// It holds from then on.
    pub from: Timestamp,
    /// It holds until then.
    pub until: Timestamp,
    /// Made by its owner: no browser trusts it by itself.
    pub self_signed: bool,
    der: CertificateDer<'static>,
}

impl Certificate {
    /// Reads two PEM files as a start would.
    ///
    /// # Errors
    /// One line for whoever wrote the settings: a file that cannot be read, a key of another
    /// certificate.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let _usable = tls::acceptor(certificate, key)?;
        let path = certificate.display();
        let first = tls::chain(certificate)?.into_iter().next();
        let der = first.ok_or_else(|| format!("TLS certificate {path}: it is empty"))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der)
            .map_err(|why| format!("TLS certificate {path}: {why}"))?;
        let at = |seconds: i64| Timestamp(seconds.saturating_mul(1000));
        Ok(Self {
            from: at(parsed.validity().not_before.timestamp()),
            until: at(parsed.validity().not_after.timestamp()),
            self_signed: parsed.issuer() == parsed.subject(),
            der: der.clone(),
        })
    }

    /// Whether it is made for this host: a name, or an address without brackets.
    pub fn is_for(&self, host: &str) -> bool {
        let parsed = ParsedCertificate::try_from(&self.der);
        let name = ServerName::try_from(host);
        match (parsed, name) {
            (Ok(parsed), Ok(name)) => verify_server_name(&parsed, &name).is_ok(),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two files of a certificate that was made for these names.
    fn files(names: &[&str]) -> (tempfile::TempDir, [std::path::PathBuf; 2]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).expect("made");
        let folder = tempfile::tempdir().expect("a folder");
        let paths = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&paths[0], made.cert.pem()).expect("written");
        std::fs::write(&paths[1], made.signing_key.serialize_pem()).expect("written");
        (folder, paths)
    }

    #[test]
    fn a_certificate_says_when_and_for_whom() {
        let (_folder, [certificate, key]) = files(&["*.conf.example", "192.0.2.1"]);
        let read = Certificate::read(&certificate, &key).expect("a pair");
        assert!(read.self_signed && read.from < read.until, "{read:?}");
        assert!(read.is_for("a.conf.example") && read.is_for("192.0.2.1"));
        assert!(!read.is_for("conf.example") && !read.is_for("192.0.2.2"));
        assert!(!read.is_for("no host at all"));
    }

    #[test]
    fn the_key_of_another_certificate_is_told() {
        let (_folder, [certificate, _]) = files(&["a.example"]);
        let (_other, [_, key]) = files(&["a.example"]);
        let said = Certificate::read(&certificate, &key).expect_err("not a pair");
        assert!(said.contains("is not the key of"), "{said}");
    }
}
