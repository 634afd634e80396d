//! The login host: `POST /oauth/token` (reference 1).

use serde_json::json;
use url::form_urlencoded;

use crate::simulator::reply::Reply;
use crate::simulator::request::Incoming;
use crate::simulator::world::World;

/// Issues a token for the exporter's own client. The credentials are in HTTP Basic or in the body.
pub(super) fn token(world: &mut World, request: &Incoming) -> Reply {
    let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let basic = request.authorization.as_deref().and_then(basic_credentials);
    let in_body = || field("client_id").zip(field("client_secret"));
    let Some((id, secret)) = basic.or_else(in_body) else {
        return Reply::oauth_error(400, "invalid_request", "client credentials are missing");
    };
    if field("grant_type").as_deref() != Some("client_credentials") {
        return Reply::oauth_error(400, "unsupported_grant_type", "unsupported grant type");
    }
    let Some(client) = world.clients.iter().find(|client| client["id"] == id.as_str()) else {
        return Reply::oauth_error(400, "invalid_client", "client not found");
    };
    // Only active clients get tokens (reference 3.2).
    if id != world.client_id || !world.secret_is(&secret) || client["state"] != "active" {
        return Reply::oauth_error(400, "invalid_client", "authentication failed");
    }
    let token = world.tokens.issue();
    Reply::json(json!({ "access_token": token, "token_type": "bearer", "expires_in": world.tokens.lifetime }))
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(base64(encoded.trim())?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Decodes base64 with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut buffered) = (0_u32, 0_u32);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        buffered += 6;
        if buffered >= 8 {
            buffered -= 8;
            bytes.push(u8::try_from(bits >> buffered & 0xff).ok()?);
        }
    }
    Some(bytes)
}
