//! TLS by certificate files.

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        Error, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// An acceptor with the certificate chain and key of two PEM files, or what is wrong with them.
pub(super) fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, String> {
    let chain = chain(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("TLS key {}: {error}", key.display()))?;
    let unusable = |error| match error {
        Error::InconsistentKeys(_) => format!(
            "TLS key {} is not the key of the certificate {}",
            key.display(),
            certificate.display()
        ),
        error => format!("TLS certificate {}: {error}", certificate.display()),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificates of a PEM file, the server's own first, or what is wrong with it.
pub(super) fn chain(certificate: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let path = certificate.display();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("TLS certificate {path}: {error}"))?;
    if chain.is_empty() {
        return Err(format!(
            "TLS certificate {path}: there is no certificate in it"
        ));
    }
    Ok(chain)
}
