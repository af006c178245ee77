//! Which headers leave? The kit's own, the collector's `Accept`, one credential at most.

use reqwest::header::{self, HeaderName, HeaderValue};

use super::{
    trip::{Ended, Leg, Trip},
    user_agent,
    wire::Outgoing,
};
use crate::{contract::Method, gate::Permitted, secrets::Credential};

impl Trip<'_> {
    /// The request as it goes out: the kit's headers, the collector's `Accept`, one credential at most.
    pub fn outgoing(&mut self, leg: Leg<'_>, permitted: &Permitted) -> Result<Outgoing, Ended> {
        let root = self.wanted.run.policy.root();
        if root.contact.is_none() && !permitted.peers().iter().all(|peer| peer.ip().to_canonical().is_loopback()) {
            let error =
                "the trust root names no `contact`, and nothing but this machine is asked without one".to_owned();
            return Err(self.no_answer(permitted.judged().clone(), leg, &error));
        }
        let for_rules = leg.origin.is_for_rules();
        let request = self.wanted.request;
        let accept = request.accept.as_ref().filter(|_| !for_rules);
        let mut headers: Vec<(HeaderName, String)> = vec![
            (header::USER_AGENT, user_agent(root)),
            (header::ACCEPT, accept.map_or("*/*", |accept| &accept.media_type).to_owned()),
        ];
        if let Some(accept) = accept.filter(|accept| !accept.languages.is_empty()) {
            headers.push((header::ACCEPT_LANGUAGE, accept.languages.clone()));
        }
        let plain = for_rules || leg.credential.is_some() || request.stream.is_some();
        headers.push((header::ACCEPT_ENCODING, if plain { "identity" } else { "gzip, deflate, br, zstd" }.to_owned()));
        if let Some(known) = self.wanted.validators.filter(|_| !for_rules) {
            headers.extend(known.etag.clone().map(|etag| (header::IF_NONE_MATCH, etag)));
            headers.extend(known.last_modified.clone().map(|date| (header::IF_MODIFIED_SINCE, date)));
        }
        let body = request
            .body
            .as_ref()
            .filter(|_| !for_rules && request.method == Method::Query)
            .map(|text| text.clone().into_bytes());
        if body.is_some() {
            headers.push((header::CONTENT_TYPE, "application/json".to_owned()));
        }
        let mut sent = Vec::new();
        for (name, text) in headers {
            match HeaderValue::try_from(text) {
                Ok(value) => sent.push((name, value)),
                Err(_) => {
                    let error = format!("the header `{name}` holds characters that cannot be sent");
                    return Err(self.no_answer(permitted.judged().clone(), leg, &error));
                }
            }
        }
        sent.extend(leg.credential.and_then(Credential::header));
        let wire = leg
            .credential
            .map_or_else(|| Some(permitted.url().clone()), |credential| credential.unveiled(permitted.url()));
        let Some(url) = wire else {
            return Err(self.no_answer(
                permitted.judged().clone(),
                leg,
                "the credential does not fit into the address",
            ));
        };
        let post = request.method == Method::Query && !for_rules;
        let method = if post { reqwest::Method::POST } else { reqwest::Method::GET };
        Ok(Outgoing { method, url, headers: sent, body })
    }
}
