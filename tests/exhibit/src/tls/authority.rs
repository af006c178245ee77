//! Who certifies a test's sites? An authority of the test's own, in a folder, so that another process can be told to trust it.

use std::{fs, io, path::Path};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// When a certificate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// From 1975 to 4096.
    Always,
    /// Until the first day of 2020.
    Past,
    /// From the first day of 2400.
    Future,
}

/// An authority. Who has its `ca.pem` among the roots trusts what it certifies.
pub struct Authority {
    params: CertificateParams,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its private key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    pems: (String, String),
}

impl Authority {
    /// The certificate's file name in the authority's folder.
    pub const FILE: &'static str = "ca.pem";

    /// The authority of a folder, by this name: made where there is none, the same one again where there is.
    ///
    /// # Errors
    ///
    /// A folder that cannot be read or written.
    pub fn at(folder: &Path, name: &str) -> io::Result<Self> {
        let file = folder.join("ca.key");
        let key = if file.exists() {
            KeyPair::from_pem(&fs::read_to_string(&file)?).map_err(io::Error::other)?
        } else {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            fs::write(&file, key.serialize_pem())?;
            key
        };
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        fs::write(folder.join(Self::FILE), &pem)?;
        Ok(Self { issuer: Issuer::new(params.clone(), key), params, pem })
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Certifies a new key for these host names and addresses.
    ///
    /// # Errors
    ///
    /// A name that cannot stand in a certificate.
    pub fn certify(&self, names: &[&str], span: Span) -> io::Result<Identity> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name = named("a site of tests").distinguished_name;
        match span {
            Span::Always => {}
            Span::Past => params.not_after = date_time_ymd(2020, 1, 1),
            Span::Future => params.not_before = date_time_ymd(2400, 1, 1),
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        Ok(Identity::of(&certificate, &key))
    }

    /// The authority's own certificate and key, as if they were a site's: what `openssl req -x509` makes for those who follow the first recipe
    /// they find.
    ///
    /// # Errors
    ///
    /// A name that cannot stand in a certificate.
    pub fn self_signed(&self, names: &[&str]) -> io::Result<Identity> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = self.params.clone();
        params.subject_alt_names = CertificateParams::new(names).map_err(io::Error::other)?.subject_alt_names;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        Ok(Identity::of(&certificate, &key))
    }
}

impl Identity {
    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
            pems: (certificate.pem(), key.serialize_pem()),
        }
    }

    /// The certificate as it travels (DER).
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Writes certificate and key as PEM files.
    ///
    /// # Errors
    ///
    /// Files that cannot be written.
    pub fn write(&self, certificate: &Path, key: &Path) -> io::Result<()> {
        fs::write(certificate, &self.pems.0)?;
        fs::write(key, &self.pems.1)
    }

    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
